// Times TCP connections from one process pinned beside its server: Node's own event loop would hide microseconds.
//   latency serve ADDRESS PORT CPU
//   latency connect|exchange ADDRESS PORT CPU COUNT      prints nanoseconds: median, 99th percentile, mean
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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

int main(int argc, char **argv)
{
	struct sockaddr_in at = {.sin_family = AF_INET};
	long long *times, sum = 0;
	int count, fd = -1;
	cpu_set_t cpus;
	char byte = 0;

	if (argc < 5)
		return 2;
	inet_pton(AF_INET, argv[2], &at.sin_addr);
	at.sin_port = htons(atoi(argv[3]));
	CPU_ZERO(&cpus);
	CPU_SET(atoi(argv[4]), &cpus);
	sched_setaffinity(0, sizeof(cpus), &cpus);
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
		sum += times[i];
	}
	qsort(times, count, sizeof(*times), compare);
	printf("%lld %lld %lld\n", times[count / 2], times[count * 99LL / 100], sum / count);
	return 0;
}
