/*
 * The CNI plugin of Weir: hands what a container runtime asks for to the agent's socket, prints what the agent answers.
 * One file without libraries, so that a start costs next to nothing. What must be answered without an agent is answered
 * here: VERSION, and that everything else is to be tried again.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#define DEFAULT_SOCKET "/run/weir/agent.sock"
#define LATEST_VERSION "1.1.0"
#define VERSIONS "[\"0.3.0\",\"0.3.1\",\"0.4.0\",\"1.0.0\",\"1.1.0\"]"

enum { INPUT_LIMIT = 8 << 20, WORD_LIMIT = 256 };

/* Codes of the CNI specification. */
enum { CODE_ENVIRONMENT = 4, CODE_IO = 5, CODE_TRY_AGAIN = 11, CODE_NOT_AVAILABLE = 50 };

struct text {
	char *bytes;
	size_t size, room;
};

static char version[WORD_LIMIT] = LATEST_VERSION;

static void grow(struct text *text, size_t more)
{
	if (text->size + more <= text->room)
		return;
	text->room = 2 * (text->size + more);
	text->bytes = realloc(text->bytes, text->room);
	if (!text->bytes)
		abort();
}

static void append(struct text *text, const char *bytes, size_t size)
{
	grow(text, size);
	memcpy(text->bytes + text->size, bytes, size);
	text->size += size;
}

static void append_word(struct text *text, const char *word)
{
	append(text, word, strlen(word));
}

/* As a JSON string, in its quotes. */
static void append_quoted(struct text *text, const char *bytes, size_t size)
{
	append_word(text, "\"");
	for (size_t at = 0; at < size; at++) {
		const unsigned char byte = (unsigned char)bytes[at];
		char escaped[8];

		if (byte == '"' || byte == '\\')
			append(text, (char[]){'\\', (char)byte}, 2);
		else if (byte < 0x20)
			append(text, escaped, (size_t)snprintf(escaped, sizeof(escaped), "\\u%04x", byte));
		else
			append(text, bytes + at, 1);
	}
	append_word(text, "\"");
}

static void append_field(struct text *text, const char *name, const char *bytes, size_t size)
{
	append_word(text, text->size > 1 ? ",\"" : "\"");
	append_word(text, name);
	append_word(text, "\":");
	append_quoted(text, bytes, size);
}

static void write_all(int fd, const char *bytes, size_t size)
{
	while (size > 0) {
		const ssize_t written = write(fd, bytes, size);

		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0)
			return;
		bytes += written;
		size -= (size_t)written;
	}
}

/* Ends with an error of the specification's form. */
static int fail(int code, const char *message, const char *details)
{
	struct text out = {0};
	char number[32];

	append_word(&out, "{\"cniVersion\":");
	append_quoted(&out, version, strlen(version));
	append(&out, number, (size_t)snprintf(number, sizeof(number), ",\"code\":%d,\"msg\":", code));
	append_quoted(&out, message, strlen(message));
	append_word(&out, ",\"details\":");
	append_quoted(&out, details, strlen(details));
	append_word(&out, "}\n");
	write_all(STDOUT_FILENO, out.bytes, out.size);
	return 1;
}

/*
 * The string that a key of the outermost object has, into `word`. Texts with escapes are none that this program could
 * use: versions and paths have none.
 */
static void find_string(const struct text *json, const char *key, char *word)
{
	const char *at = json->bytes, *end = json->bytes + json->size;
	const char *name = NULL;
	size_t name_size = 0;
	int depth = 0, is_value = 0;

	for (; at < end; at++) {
		if (*at == '{' || *at == '[') {
			depth++;
			is_value = 0;
		} else if (*at == '}' || *at == ']') {
			depth--;
		} else if (*at == ':' && depth == 1) {
			is_value = 1;
		} else if (*at == ',' && depth == 1) {
			is_value = 0;
		} else if (*at == '"') {
			const char *start = at + 1;
			int escaped = 0;
			size_t size;

			for (at = start; at < end && *at != '"'; at++)
				if (*at == '\\') {
					escaped = 1;
					at++;
				}
			if (at >= end)
				return;
			size = (size_t)(at - start);
			if (depth == 1 && !is_value) {
				name = start;
				name_size = size;
			} else if (depth == 1 && name && !escaped && size > 0 && size < WORD_LIMIT &&
				   name_size == strlen(key) && !memcmp(name, key, name_size)) {
				memcpy(word, start, size);
				word[size] = 0;
			}
		}
	}
}

/* Returns whether all was read. */
static int read_all(int fd, struct text *into, size_t limit)
{
	for (;;) {
		ssize_t size;

		grow(into, 65536);
		size = read(fd, into->bytes + into->size, into->room - into->size);
		if (size < 0 && errno == EINTR)
			continue;
		if (size < 0)
			return 0;
		if (size == 0)
			return 1;
		into->size += (size_t)size;
		if (into->size > limit) {
			errno = EFBIG;
			return 0;
		}
	}
}

static int connect_to(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	/* Longer than any ADD takes; a runtime gives up after minutes. */
	const struct timeval patience = {.tv_sec = 90};
	int fd;

	if (strlen(path) >= sizeof(address.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	strcpy(address.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	return connect(fd, (struct sockaddr *)&address, sizeof(address)) ? -1 : fd;
}

static const char *from_environment(const char *name)
{
	const char *found = getenv(name);

	return found ? found : "";
}

static void append_environment(struct text *body, const char *field, const char *name)
{
	const char *found = from_environment(name);

	append_field(body, field, found, strlen(found));
}

/* The request of HTTP/1.0: the answer ends where the connection does. */
static void ask(int fd, const struct text *config)
{
	struct text body = {0};
	char head[128];
	int size;

	append_word(&body, "{");
	append_environment(&body, "command", "CNI_COMMAND");
	append_environment(&body, "containerId", "CNI_CONTAINERID");
	append_environment(&body, "netns", "CNI_NETNS");
	append_environment(&body, "ifname", "CNI_IFNAME");
	append_environment(&body, "args", "CNI_ARGS");
	append_field(&body, "config", config->bytes, config->size);
	append_word(&body, "}");
	size = snprintf(head, sizeof(head),
			"POST /v1/cni HTTP/1.0\r\ncontent-type: application/json\r\ncontent-length: %zu\r\n\r\n", body.size);
	write_all(fd, head, (size_t)size);
	write_all(fd, body.bytes, body.size);
}

static int status_of(const char *answer)
{
	int status = 0;

	sscanf(answer, "HTTP/1.%*d %d", &status);
	return status;
}

/* NULL where not all of it came. */
static const char *body_of(const struct text *answer)
{
	const char *end = strstr(answer->bytes, "\r\n\r\n");
	const char *length = strcasestr(answer->bytes, "\r\ncontent-length:");

	if (!end)
		return NULL;
	end += 4;
	if (length && length < end && strtoul(length + 17, NULL, 10) != strlen(end))
		return NULL;
	return end;
}

int main(void)
{
	const char *command = from_environment("CNI_COMMAND");
	const int is_status = !strcmp(command, "STATUS");
	const int unanswered = is_status ? CODE_NOT_AVAILABLE : CODE_TRY_AGAIN;
	char path[WORD_LIMIT] = DEFAULT_SOCKET;
	struct text config = {0}, answer = {0};
	const char *text;
	int fd, status = 0;

	/* An agent that ends meanwhile is an error like any other. */
	signal(SIGPIPE, SIG_IGN);

	if (!*command) {
		fputs("CNI plugin of Weir; it is called by container runtimes (CNI specification " LATEST_VERSION ")\n",
		      stderr);
		return fail(CODE_ENVIRONMENT, "required env variables [CNI_COMMAND] missing", "");
	}
	if (!read_all(STDIN_FILENO, &config, INPUT_LIMIT))
		return fail(CODE_IO, "the network configuration can't be read", strerror(errno));
	find_string(&config, "cniVersion", version);
	find_string(&config, "socket", path);
	if (!strcmp(command, "VERSION")) {
		struct text out = {0};

		append_word(&out, "{\"cniVersion\":");
		append_quoted(&out, version, strlen(version));
		append_word(&out, ",\"supportedVersions\":" VERSIONS "}\n");
		write_all(STDOUT_FILENO, out.bytes, out.size);
		return 0;
	}
	fd = connect_to(path);
	if (fd < 0)
		return fail(unanswered, "weir's agent doesn't answer", strerror(errno));
	ask(fd, &config);
	if (!read_all(fd, &answer, INPUT_LIMIT))
		return fail(unanswered, "weir's agent doesn't answer", strerror(errno));
	append(&answer, "", 1);
	status = status_of(answer.bytes);
	text = body_of(&answer);
	if (!text || (status != 200 && status != 422))
		return fail(unanswered, "weir's agent can't do that now", text ? text : "it ended meanwhile");
	write_all(STDOUT_FILENO, text, strlen(text));
	return status == 200 ? 0 : 1;
}
