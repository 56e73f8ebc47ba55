// Times TCP connections from one process pinned beside its server: Node's own event loop would hide microseconds.
//   latency serve ADDRESS PORT CPU
//   latency connect|exchange ADDRESS PORT CPU COUNT      prints nanoseconds: median, 99th percentile, mean
//   latency turns CPU COUNT CGROUP ADDRESS PORT…         connects by turns: each three words are a process in that cgroup
//                                                        ("-": where it is), which prints a line as above
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static long long now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static int compare(const void *a, const void *b)
{
	const long long x = *(const long long *)a, y = *(const long long *)b;

	return (x > y) - (x < y);
}

static int stream(void)
{
	const int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;

	if (fd < 0)
		die("socket");
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	return fd;
}

static void serve(const struct sockaddr_in *at)
{
	const int listener = stream();
	char byte;

	if (bind(listener, (const void *)at, sizeof(*at)) || listen(listener, 128))
		die("listen");
	puts("ready");
	fflush(stdout);
	for (;;) {
		const int fd = accept(listener, NULL, NULL), one = 1;

		if (fd < 0)
			die("accept");
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		while (read(fd, &byte, 1) == 1)
			if (write(fd, &byte, 1) != 1)
				break;
		close(fd);
	}
}

static int call(const struct sockaddr_in *at)
{
	const int fd = stream();

	if (connect(fd, (const void *)at, sizeof(*at)))
		die("connect");
	return fd;
}

static void report(long long *times, int count)
{
	long long sum = 0;

	qsort(times, count, sizeof(*times), compare);
	for (int i = 0; i < count; i++)
		sum += times[i];
	printf("%lld %lld %lld\n", times[count / 2], times[count * 99LL / 100], sum / count);
	fflush(stdout);
}

static void enter(const char *cgroup)
{
	char path[4096];
	FILE *file;

	if (!strcmp(cgroup, "-"))
		return;
	snprintf(path, sizeof(path), "%s/cgroup.procs", cgroup);
	file = fopen(path, "w");
	if (!file || fprintf(file, "%d", getpid()) < 0 || fclose(file))
		die(path);
}

static void pin(int cpu)
{
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(cpu, &cpus);
	sched_setaffinity(0, sizeof(cpus), &cpus);
}

/* One process of several that hand a token round: whatever slows the machine slows all of them. */
static void take_turns(int from, int to, int count, const char *cgroup, const struct sockaddr_in *at)
{
	long long *times = calloc(count, sizeof(*times));
	char token;

	enter(cgroup);
	for (int i = 0; i < count; i++) {
		long long start;

		if (read(from, &token, 1) != 1)
			die("token");
		/* Brings the caches back that the others took. */
		close(call(at));
		start = now();
		close(call(at));
		times[i] = now() - start;
		if (write(to, &token, 1) != 1)
			die("token");
	}
	/* In the order of the words. */
	if (read(from, &token, 1) != 1)
		die("token");
	report(times, count);
	if (write(to, &token, 1) != 1)
		die("token");
	exit(0);
}

static int turns(int argc, char **argv)
{
	const int ways = (argc - 4) / 3, count = atoi(argv[3]);
	int pipes[ways][2];

	pin(atoi(argv[2]));
	setpgid(0, 0);
	for (int way = 0; way < ways; way++)
		if (pipe(pipes[way]))
			die("pipe");
	for (int way = 0; way < ways; way++) {
		char **words = argv + 4 + 3 * way;
		struct sockaddr_in at = {.sin_family = AF_INET};

		inet_pton(AF_INET, words[1], &at.sin_addr);
		at.sin_port = htons(atoi(words[2]));
		if (!fork())
			take_turns(pipes[way][0], pipes[(way + 1) % ways][1], count, words[0], &at);
	}
	if (write(pipes[0][1], "t", 1) != 1)
		die("token");
	for (int way = 0; way < ways; way++) {
		int status;

		if (wait(&status) < 0 || status) {
			/* The others would wait for its token. */
			signal(SIGTERM, SIG_IGN);
			kill(0, SIGTERM);
			return 1;
		}
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct sockaddr_in at = {.sin_family = AF_INET};
	long long *times;
	int count, fd = -1;
	char byte = 0;

	if (argc < 5)
		return 2;
	if (!strcmp(argv[1], "turns"))
		return turns(argc, argv);
	inet_pton(AF_INET, argv[2], &at.sin_addr);
	at.sin_port = htons(atoi(argv[3]));
	pin(atoi(argv[4]));
	if (!strcmp(argv[1], "serve"))
		serve(&at);
	count = argc > 5 ? atoi(argv[5]) : 1000;
	times = calloc(count, sizeof(*times));
	if (!strcmp(argv[1], "exchange"))
		fd = call(&at);
	for (int i = 0; i < count; i++) {
		const long long start = now();

		if (fd < 0) {
			close(call(&at));
		} else if (write(fd, &byte, 1) != 1 || read(fd, &byte, 1) != 1) {
			die("exchange");
		}
		times[i] = now() - start;
	}
	report(times, count);
	return 0;
}
