/* The web adapter and an application as Lambda starts them: first the extension, then the handler, which is a
 * file of the task root. The adapter lies beside this program and ends with it. */
#include <libgen.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

int main(void) {
    char self[PATH_MAX] = "", path[2 * PATH_MAX];
    if (readlink("/proc/self/exe", self, sizeof self - 1) < 0) return 1;
    pid_t child = fork();
    if (child == 0) {
        snprintf(path, sizeof path, "%s/lambda-adapter", dirname(self));
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        execl(path, path, (char *)0);
        _exit(1);
    }
    snprintf(path, sizeof path, "%s/%s", getenv("LAMBDA_TASK_ROOT"), getenv("_HANDLER"));
    execl(path, path, (char *)0);
    return 1;
}
