// A small HTTP server for the benchmark: one thread, epoll, keep-alive, some work for each request under frames of its own.
// server [PORT] [SECONDS] [FILE]   (default: any free port, 600 s). Prints "ready PORT". Listens on loopback only.
// FILE is mapped: when its first word changes, the requests served and the CPU time used so far are written behind it,
// then the word itself: what the benchmark divides, without a request of its own.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CONNECTIONS_MAX 1024
#define REQUEST_MAX_BYTES 4096
#define NOINLINE __attribute__((noinline))

/* The file, as helper/bench/serverTargets.ts reads it. */
struct stats {
	volatile unsigned asked, answered;
	volatile unsigned long long served, cpu_ns;
};

struct connection {
	char request[REQUEST_MAX_BYTES];
	size_t length;
};

static struct connection *connections[CONNECTIONS_MAX];
static unsigned long long served;
static struct stats *stats;

static double seconds(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return now.tv_sec + now.tv_nsec / 1e9;
}

NOINLINE static unsigned long hash_path(const char *path, size_t length)
{
	unsigned long hash = 14695981039346656037ul;

	for (int pass = 0; pass < 40; pass++)
		for (size_t i = 0; i < length; i++)
			hash = (hash ^ (unsigned char)path[i]) * 1099511628211ul;
	return hash;
}

NOINLINE static int render_body(char *body, size_t size, const char *path, size_t length)
{
	return snprintf(body, size, "{\"path\":\"%.*s\",\"hash\":\"%016lx\"}\n", (int)length, path, hash_path(path, length));
}

NOINLINE static int answer(int fd, const char *path, size_t length)
{
	char body[512], response[768];
	int body_length = render_body(body, sizeof(body), path, length > 200 ? 200 : length);
	int total = snprintf(response, sizeof(response),
			     "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
			     body_length, body);

	served++;
	return send(fd, response, total, MSG_NOSIGNAL) == total ? 0 : -1;
}

/* Answers every whole request in the buffer; what is left of one stays for the next read. */
NOINLINE static int handle_requests(int fd, struct connection *connection)
{
	char *start = connection->request, *end;

	connection->request[connection->length] = 0;
	while ((end = strstr(start, "\r\n\r\n"))) {
		char *path = strchr(start, ' ');
		char *stop = path ? strchr(path + 1, ' ') : NULL;

		if (!stop || stop > end || answer(fd, path + 1, stop - path - 1))
			return -1;
		start = end + 4;
	}
	connection->length -= start - connection->request;
	memmove(connection->request, start, connection->length);
	return 0;
}

NOINLINE static void serve_connection(int fd)
{
	struct connection *connection = connections[fd];
	ssize_t got = recv(fd, connection->request + connection->length,
			   sizeof(connection->request) - 1 - connection->length, 0);

	if (got > 0) {
		connection->length += got;
		if (!handle_requests(fd, connection))
			return;
	} else if (got < 0 && errno == EAGAIN) {
		return;
	}
	close(fd);
	free(connection);
	connections[fd] = NULL;
}

static void accept_connection(int epoll, int listener)
{
	int one = 1, fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
	struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};

	if (fd < 0)
		return;
	if (fd >= CONNECTIONS_MAX || !(connections[fd] = calloc(1, sizeof(struct connection)))) {
		close(fd);
		return;
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
}

static void answer_stats(void)
{
	unsigned asked = stats->asked;

	if (asked == stats->answered)
		return;
	stats->served = served;
	stats->cpu_ns = seconds(CLOCK_PROCESS_CPUTIME_ID) * 1e9;
	stats->answered = asked;
}

static struct stats *map_stats(const char *path)
{
	int fd = open(path, O_RDWR);
	struct stats *mapped = fd < 0 ? MAP_FAILED : mmap(NULL, sizeof(*mapped), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (mapped == MAP_FAILED) {
		perror(path);
		exit(1);
	}
	close(fd);
	return mapped;
}

int main(int argc, char **argv)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
				      .sin_port = htons(argc > 1 ? atoi(argv[1]) : 0)};
	double end = seconds(CLOCK_MONOTONIC) + (argc > 2 ? atof(argv[2]) : 600);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), epoll = epoll_create1(0), one = 1;
	struct epoll_event events[64], event = {.events = EPOLLIN, .data.fd = listener};
	socklen_t size = sizeof(address);

	if (argc > 3)
		stats = map_stats(argv[3]);
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(listener, (struct sockaddr *)&address, size) || listen(listener, 128) ||
	    getsockname(listener, (struct sockaddr *)&address, &size)) {
		perror("server");
		return 1;
	}
	epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event);
	printf("ready %d\n", ntohs(address.sin_port));
	fflush(stdout);
	while (seconds(CLOCK_MONOTONIC) < end) {
		int count = epoll_wait(epoll, events, 64, 1000);

		if (stats)
			answer_stats();
		for (int i = 0; i < count; i++)
			if (events[i].data.fd == listener)
				accept_connection(epoll, listener);
			else
				serve_connection(events[i].data.fd);
	}
	return 0;
}
