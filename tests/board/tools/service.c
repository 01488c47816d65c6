/* Runs a program as systemd would run a service of Type=notify, with a watchdog and Restart=on-failure, and writes down what it said.
 *
 *   service LOG WATCHDOG_MS PROGRAM [ARGUMENT...]
 *
 * LOG gets a JSON object a line, "t" in microseconds of CLOCK_MONOTONIC: {"t","pid"} at each start, {"t","said"} for each
 * notification, {"t","bitten"} when the watchdog bit, {"t","status","signal","max_rss_kib"} at each end. LOG.pid holds the program's
 * number. SIGTERM is passed on, and then nothing is restarted. A program that has said that it is ready and lets WATCHDOG_MS pass
 * without a word gets SIGABRT. Ends with the program's last status, or 128 and its signal.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define RESTARTS 5
#define RESTART_AFTER_US 100000

static volatile sig_atomic_t child, ended;
static FILE *out;
static int sock;
static long long limit, fed;

static long long now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000ll + t.tv_nsec / 1000;
}

static void die(const char *what)
{
	fprintf(stderr, "service: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void on_term(int s)
{
	ended = 1;
	if (child > 0) kill(child, s);
}

/* One datagram of notifications. */
static void hear(void)
{
	char text[4096];
	ssize_t n = recv(sock, text, sizeof text - 1, 0);
	if (n < 0) return;
	text[n] = 0;
	for (char *line = strtok(text, "\n"); line; line = strtok(0, "\n")) {
		for (char *c = line; *c; c++)
			if (*c == '"' || *c == '\\' || (unsigned char)*c < ' ') *c = '?';
		fprintf(out, "{\"t\":%lld,\"said\":\"%s\"}\n", now(), line);
		if (!strcmp(line, "READY=1") || (fed && !strcmp(line, "WATCHDOG=1"))) fed = now();
		if (!strcmp(line, "STOPPING=1")) fed = 0;
	}
}

static int run(char **program, const char *pid_file)
{
	int status;
	struct rusage used;
	fed = 0;
	child = fork();
	if (child < 0) die("fork");
	if (!child) { execvp(program[0], program); die(program[0]); }
	FILE *f = fopen(pid_file, "w");
	if (!f) die(pid_file);
	fprintf(f, "%d\n", child);
	fclose(f);
	fprintf(out, "{\"t\":%lld,\"pid\":%d}\n", now(), child);
	for (int dead = 0; !dead;) {
		struct pollfd p = { .fd = sock, .events = POLLIN };
		dead = wait4(child, &status, WNOHANG, &used) == child;
		while (poll(&p, 1, dead ? 0 : 50) > 0) hear();
		if (dead || !fed || now() - fed <= limit) continue;
		fprintf(out, "{\"t\":%lld,\"bitten\":true}\n", now());
		kill(child, SIGABRT);
		fed = 0;
	}
	child = 0;
	int by = WIFSIGNALED(status) ? WTERMSIG(status) : 0, with = by ? 0 : WEXITSTATUS(status);
	fprintf(out, "{\"t\":%lld,\"status\":%d,\"signal\":%d,\"max_rss_kib\":%ld}\n", now(), with, by, used.ru_maxrss);
	return by ? 128 + by : with;
}

int main(int count, char **arg)
{
	if (count < 4) { fprintf(stderr, "usage: service LOG WATCHDOG_MS PROGRAM [ARGUMENT...]\n"); return 2; }
	char pid_file[512], text[32];
	out = fopen(arg[1], "w");
	if (!out) die(arg[1]);
	setvbuf(out, 0, _IOLBF, 0);
	snprintf(pid_file, sizeof pid_file, "%s.pid", arg[1]);
	limit = atoll(arg[2]) * 1000;

	struct sockaddr_un address = { .sun_family = AF_UNIX };
	snprintf(address.sun_path, sizeof address.sun_path, "/run/notify.%d", getpid());
	sock = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (sock < 0 || bind(sock, (struct sockaddr *)&address, sizeof address)) die(address.sun_path);
	setenv("NOTIFY_SOCKET", address.sun_path, 1);
	snprintf(text, sizeof text, "%lld", limit);
	setenv("WATCHDOG_USEC", text, 1);
	signal(SIGTERM, on_term);

	int status = 0;
	for (int k = 0; k <= RESTARTS && !ended; k++) {
		status = run(arg + 3, pid_file);
		if (!status) break;
		if (!ended) usleep(RESTART_AFTER_US);
	}
	unlink(address.sun_path);
	return status;
}
