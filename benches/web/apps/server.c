/* A small HTTP server for the benches: one process, several keep-alive connections. Its answer is "hello" to a
 * request without a body, else the length of the body. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CONNECTIONS = 32, BYTES = 65536 };

struct connection {
    size_t used;      /* bytes of the head in the buffer */
    long body, seen;  /* bytes of the body, and those that were read; body is -1 before the head's end */
    char buffer[BYTES];
};

static struct pollfd polled[CONNECTIONS + 1];
static struct connection connections[CONNECTIONS + 1];

static void answer(int to, long body) {
    char text[32], whole[256];
    int length = body == 0 ? sprintf(text, "hello") : sprintf(text, "%ld", body);
    int bytes = sprintf(whole, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n%s",
                        length, text);
    if (write(to, whole, bytes) != bytes) exit(1);
}

/* The length that a head gives for the body. */
static long body_length(char *head) {
    for (char *line = strchr(head, '\n'); line; line = strchr(line + 1, '\n'))
        if (strncasecmp(line + 1, "content-length:", 15) == 0) return atol(line + 16);
    return 0;
}

static void serve(struct pollfd *from, struct connection *one) {
    char scratch[BYTES];
    int in_body = one->body >= 0;
    char *to = in_body ? scratch : one->buffer + one->used;
    size_t space = in_body ? sizeof scratch : sizeof one->buffer - 1 - one->used;
    ssize_t bytes = read(from->fd, to, space);
    if (bytes <= 0) {
        close(from->fd);
        from->fd = -1;
        return;
    }
    if (in_body) {
        one->seen += bytes;
    } else {
        one->used += bytes;
        one->buffer[one->used] = 0;
        char *end = strstr(one->buffer, "\r\n\r\n");
        if (!end) return;
        one->body = body_length(one->buffer);
        one->seen = one->buffer + one->used - (end + 4);
    }
    if (one->seen < one->body) return;
    answer(from->fd, one->body);
    one->used = 0;
    one->body = -1;
}

int main(void) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const char *port = getenv("PORT");
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), yes = 1;
    address.sin_port = htons(port ? atoi(port) : 8080);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 16)) {
        perror("server: cannot listen");
        return 1;
    }
    polled[0] = (struct pollfd){.fd = listener, .events = POLLIN};
    for (int at = 1; at <= CONNECTIONS; at++) polled[at] = (struct pollfd){.fd = -1, .events = POLLIN};
    for (;;) {
        if (poll(polled, CONNECTIONS + 1, -1) < 0) return 1;
        for (int at = 1; at <= CONNECTIONS; at++)
            if (polled[at].revents) serve(&polled[at], &connections[at]);
        if (polled[0].revents) {
            int fd = accept(listener, NULL, NULL), at = 1;
            while (at <= CONNECTIONS && polled[at].fd >= 0) at++;
            if (fd < 0 || at > CONNECTIONS) return 1;
            setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
            polled[at].fd = fd;
            polled[at].revents = 0;
            connections[at].used = 0;
            connections[at].body = -1;
        }
    }
}
