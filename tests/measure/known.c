// A bootstrap with known costs: it echoes events with four blocking calls for each (write GET, read
// event, write POST, read reply). Environment variables add to that:
//
//   KNOWN_SLEEP_US=N        sleeps before it connects
//   KNOWN_TOUCH_KIB=N       writes to N KiB of memory before it connects
//   KNOWN_CALLS=N           makes N more system calls before it connects
//   KNOWN_EVENT_CALLS=N     makes N more for each event
//   KNOWN_EVENT_SPIN_US=N   uses N us of CPU time for each event
//   KNOWN_EVENT_SLEEP_US=N  sleeps before it answers
//   KNOWN_CHILD_KIB=N       starts a process that writes to N KiB of memory and then waits
//   KNOWN_WRONG=KIND        every tenth answer is wrong: error, trailer, id, bytes
//   KNOWN_WRONG_EVERY=N     every Nth answer instead of every tenth
//   KNOWN_DIES_ON=N         exits with status 9 on its Nth event
//   KNOWN_RECONNECTS=1      a connection for each request
//   KNOWN_INIT_ERROR=1      posts an init error and exits with status 3
//   KNOWN_SILENT=1          requests no event
//   KNOWN_GARBAGE=1         sends malformed HTTP and waits
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static char in[8 << 20], out[8 << 20];
static int connection = -1;
static struct sockaddr_in address = {.sin_family = AF_INET};

static long number(const char *name) {
    const char *value = getenv(name);
    return value ? atol(value) : 0;
}

static void touch(long kib) {
    size_t bytes = (size_t)kib << 10;
    char *memory = mmap(0, bytes + 1, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    madvise(memory, bytes, MADV_NOHUGEPAGE); // a page, a fault
    for (size_t at = 0; at < bytes; at += 4096) memory[at] = 1;
}

static void spin(long us) {
    struct timespec time;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    long end = time.tv_sec * 1000000 + time.tv_nsec / 1000 + us;
    do clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    while (time.tv_sec * 1000000 + time.tv_nsec / 1000 < end);
}

static void calls(long count) {
    while (count-- > 0) syscall(SYS_getppid);
}

// Sends a request; the reply is in `in`, terminated. Its body is returned.
static char *ask(size_t length, size_t *body_length) {
    if (connection < 0) {
        connection = socket(AF_INET, SOCK_STREAM, 0);
        if (connect(connection, (void *)&address, sizeof address)) exit(4);
    }
    for (size_t sent = 0; sent < length;) {
        ssize_t count = write(connection, out + sent, length - sent);
        if (count <= 0) exit(5);
        sent += count;
    }
    size_t have = 0, need = 0;
    char *body = 0;
    while (!body || have < need) {
        ssize_t count = read(connection, in + have, sizeof in - 1 - have);
        if (count <= 0) exit(6);
        have += count;
        in[have] = 0;
        char *end = body ? 0 : strstr(in, "\r\n\r\n");
        if (end) {
            char *sized = strcasestr(in, "content-length: ");
            body = end + 4;
            if (sized && sized < end) {
                need = body - in + strtoul(sized + 16, 0, 10);
            } else { // one chunk, and the last
                size_t size = strtoul(body, &body, 16);
                body += 2;
                need = body - in + size + 7;
                *body_length = size;
                end = 0;
            }
            if (end) *body_length = need - (body - in);
        }
    }
    if (getenv("KNOWN_RECONNECTS")) {
        close(connection);
        connection = -1;
    }
    return body;
}

static size_t post(const char *path, const char *headers, const char *body, size_t length) {
    size_t head = sprintf(out, "POST /2018-06-01/runtime/%s HTTP/1.1\r\nHost: x\r\n%sContent-Length: %zu\r\n\r\n",
                          path, headers, length);
    memcpy(out + head, body, length);
    return head + length;
}

int main(void) {
    static const char get[] = "GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: x\r\n\r\n";
    static char path[256], id[64], event[7 << 20];
    const char *api = getenv("AWS_LAMBDA_RUNTIME_API");
    const char *wrong = getenv("KNOWN_WRONG");
    long every = number("KNOWN_WRONG_EVERY") ? number("KNOWN_WRONG_EVERY") : 10;
    size_t length;
    if (!api) return 2;
    address.sin_port = htons(atoi(strchr(api, ':') + 1));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (number("KNOWN_SLEEP_US")) usleep(number("KNOWN_SLEEP_US"));
    if (number("KNOWN_TOUCH_KIB")) touch(number("KNOWN_TOUCH_KIB"));
    if (number("KNOWN_CHILD_KIB")) {
        int ready[2];
        char byte;
        if (pipe(ready)) return 2;
        if (fork() == 0) {
            touch(number("KNOWN_CHILD_KIB"));
            if (write(ready[1], "r", 1) != 1) return 2;
            for (;;) pause();
        }
        if (read(ready[0], &byte, 1) != 1) return 2;
    }
    calls(number("KNOWN_CALLS"));
    if (getenv("KNOWN_SILENT")) for (;;) pause();
    if (getenv("KNOWN_GARBAGE")) {
        sprintf(out, "good morning\r\n\r\n");
        ask(strlen(out), &length);
    }
    if (getenv("KNOWN_INIT_ERROR")) {
        const char *error = "{\"errorType\":\"Known.Init\",\"errorMessage\":\"as planned\"}";
        ask(post("init/error", "", error, strlen(error)), &length);
        fprintf(stderr, "the init failed\n");
        return 3;
    }
    for (long events = 1;; events++) {
        memcpy(out, get, sizeof get - 1);
        const char *body = ask(sizeof get - 1, &length);
        if (events == number("KNOWN_DIES_ON")) return 9;
        memcpy(event, body, length);
        sscanf(strcasestr(in, "aws-request-id: ") + 16, "%63s", id);
        calls(number("KNOWN_EVENT_CALLS"));
        if (number("KNOWN_EVENT_SPIN_US")) spin(number("KNOWN_EVENT_SPIN_US"));
        if (number("KNOWN_EVENT_SLEEP_US")) usleep(number("KNOWN_EVENT_SLEEP_US"));
        size_t request;
        sprintf(path, "invocation/%s/response", id);
        int is_wrong = wrong && events % every == 0;
        if (is_wrong && !strcmp(wrong, "error")) {
            const char *error = "{\"errorType\":\"Known.Error\",\"errorMessage\":\"as planned\"}";
            sprintf(path, "invocation/%s/error", id);
            request = post(path, "", error, strlen(error));
        } else if (is_wrong && !strcmp(wrong, "trailer")) {
            request = sprintf(out, "POST /2018-06-01/runtime/%s HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
                              "Trailer: Lambda-Runtime-Function-Error-Type\r\n\r\n4\r\nhalf\r\n0\r\n"
                              "Lambda-Runtime-Function-Error-Type: Known.Midway\r\n\r\n", path);
        } else if (is_wrong && !strcmp(wrong, "id")) {
            size_t refusal;
            ask(post("invocation/12345/response", "", event, length), &refusal);
            request = post(path, "", event, length);
        } else {
            if (is_wrong) event[0] ^= 1;
            request = post(path, "", event, length);
        }
        ask(request, &length);
    }
}
