// Sends datagrams from one network namespace to another and tells when what becomes of them changes. One thread sends
// and receives: over a veth pair a datagram is at its receiver when send() returns, or it was stopped.
//   probe flip  FROM_NETNS TO_NETNS FROM_ADDRESS TO_ADDRESS PORT INTERVAL_US
//       for each change, until killed: "passed NS" or "stopped NS", when the first datagram it befell was sent
//   probe sweep FROM_NETNS TO_NETNS FROM_ADDRESS TO_ADDRESS FIRST_PORT COUNT
//       to all ports in turn; once each port has got a datagram: "swept NS WIDTH_NS", when the last of these first ones
//       was sent, and how long a turn took
// Times are of CLOCK_MONOTONIC.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

// A datagram may be late when another CPU takes it over. So many in a row that don't come are stopped.
#define MISSES 20

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static int64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static void enter(const char *netns)
{
	const int fd = open(netns, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || setns(fd, CLONE_NEWNET))
		die(netns);
	close(fd);
}

static struct sockaddr_in at(const char *address, int port)
{
	struct sockaddr_in found = {.sin_family = AF_INET, .sin_port = htons(port)};

	if (inet_pton(AF_INET, address, &found.sin_addr) != 1) {
		fprintf(stderr, "%s: no IPv4 address\n", address);
		exit(2);
	}
	return found;
}

static int datagrams(const char *address, int port)
{
	const struct sockaddr_in own = at(address, port);
	const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (const void *)&own, sizeof(own)))
		die(address);
	return fd;
}

// When the datagram that waits was sent; 0 when none waits.
static int64_t received(int fd)
{
	int64_t sent;

	return recv(fd, &sent, sizeof(sent), 0) == sizeof(sent) ? sent : 0;
}

static void say(const char *what, int64_t when)
{
	printf("%s %lld\n", what, (long long)when);
	fflush(stdout);
}

static void flip(int from, int to, const struct sockaddr_in *target, long intervalNs)
{
	struct timespec next;
	int64_t firstMissed = 0;
	int passes = -1, missed = 0;

	prctl(PR_SET_TIMERSLACK, 1);
	clock_gettime(CLOCK_MONOTONIC, &next);
	for (;;) {
		const int64_t sent = now();
		int64_t got, last = 0;

		sendto(from, &sent, sizeof(sent), 0, (const void *)target, sizeof(*target));
		while ((got = received(to)))
			if (!last)
				last = got;
		if (last) {
			if (passes != 1)
				say("passed", last);
			passes = 1;
			missed = 0;
		} else {
			if (!missed++)
				firstMissed = sent;
			if (missed == MISSES && passes != 0) {
				say("stopped", firstMissed);
				passes = 0;
			}
		}
		next.tv_nsec += intervalNs;
		while (next.tv_nsec >= 1000000000L) {
			next.tv_nsec -= 1000000000L;
			next.tv_sec++;
		}
		if (now() < next.tv_sec * 1000000000LL + next.tv_nsec)
			clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &next, NULL);
		else
			clock_gettime(CLOCK_MONOTONIC, &next);
	}
}

static void sweep(int from, int *to, const char *address, int firstPort, int count)
{
	int left = count;
	int64_t last = 0, width = 0;

	while (left > 0) {
		const int64_t start = now();

		for (int i = 0; i < count; i++) {
			const struct sockaddr_in target = at(address, firstPort + i);
			int64_t sent = now();

			if (to[i] < 0)
				continue;
			sendto(from, &sent, sizeof(sent), 0, (const void *)&target, sizeof(target));
			sent = received(to[i]);
			if (!sent)
				continue;
			if (sent > last)
				last = sent;
			close(to[i]);
			to[i] = -1;
			left--;
		}
		width = now() - start;
		usleep(2000);
	}
	printf("swept %lld %lld\n", (long long)last, (long long)width);
}

int main(int argc, char **argv)
{
	struct rlimit files;

	if (argc != 8)
		return 2;
	// Who started it may die without a word.
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);

	const int port = atoi(argv[6]), last = atoi(argv[7]);
	const int isSweep = !strcmp(argv[1], "sweep"), count = isSweep ? last : 1;
	int *to = calloc(count, sizeof(*to));

	enter(argv[3]);
	for (int i = 0; i < count; i++)
		to[i] = datagrams(argv[5], port + i);
	enter(argv[2]);
	const int from = datagrams(argv[4], 0);
	const struct sockaddr_in target = at(argv[5], port);

	puts("ready");
	fflush(stdout);
	if (isSweep)
		sweep(from, to, argv[5], port, count);
	else
		flip(from, to[0], &target, last * 1000L);
	return 0;
}
