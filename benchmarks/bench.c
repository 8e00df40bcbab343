/* The bare ends of a measurement, so that what is measured is what lies between them:
 *
 *   bench echo [ANSWERS]                  an MCP server on stdio: answers every line at once
 *   bench relay CMD...                    bytes through, both ways, nothing else: the floor
 *   bench drive MODE N WINDOW PAYLOADS CMD...   a client: starts CMD, sends N requests, prints JSON
 *
 *   bench serve                           an MCP server on HTTP; prints its port
 *   bench forward PORT                    the floor for HTTP: bytes of every connection through; prints its port
 *   bench post PORT N CONNECTIONS PAYLOADS      a client on HTTP: one call in flight on each connection
 *   bench stream PORT N                   a client that reads one SSE stream of N events: their delay
 *
 * MODE is "time" (one in flight, latencies), "flood" (WINDOW in flight, rate) or "linger" (a flood, after
 * which the connection stays open until our stdin ends). PAYLOADS and ANSWERS hold one JSON object a line.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define FIRST_ID 10000001
static const char HEAD[] = "{\"jsonrpc\":\"2.0\",\"id\":";
static const char CALL[] = ",\"method\":\"tools/call\",\"params\":{\"name\":\"echo\",\"arguments\":";
static const char RESULT[] = ",\"result\":";
static const char INITIALIZE[] = ",\"method\":\"initialize\",\"params\":{\"protocolVersion\":\"2025-11-25\","
    "\"capabilities\":{},\"clientInfo\":{\"name\":\"bench\",\"version\":\"1\"}}}";
static const char WELCOME[] = "{\"protocolVersion\":\"2025-11-25\",\"capabilities\":{\"tools\":{}},"
    "\"serverInfo\":{\"name\":\"bench\",\"version\":\"1\"}}";
#define ID_DIGITS 8

static void die(const char *what) { perror(what); exit(1); }

static int64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* A growing byte buffer with a read position. */
typedef struct { char *data; size_t start, end, cap; } Buf;

static char *room(Buf *b, size_t more) {
    if (b->start == b->end) b->start = b->end = 0;
    if (b->end + more > b->cap) {
        memmove(b->data, b->data + b->start, b->end - b->start);
        b->end -= b->start, b->start = 0;
        while (b->end + more > b->cap) b->cap = b->cap ? b->cap * 2 : 1 << 17;
        if (!(b->data = realloc(b->data, b->cap))) die("realloc");
    }
    return b->data + b->end;
}

static void put(Buf *b, const char *bytes, size_t n) { memcpy(room(b, n), bytes, n); b->end += n; }

static void write_all(int fd, const char *bytes, size_t n) {
    while (n) {
        ssize_t w = write(fd, bytes, n);
        if (w < 0) { if (errno == EINTR) continue; exit(0); } /* the other end is gone */
        bytes += w, n -= w;
    }
}

/* The lines of a file. */
typedef struct { char **line; size_t *size, count; } Lines;

static Lines load(const char *path) {
    Lines l = {0};
    FILE *f = fopen(path, "r");
    char *text = NULL; size_t cap = 0; ssize_t n;
    if (!f) die(path);
    while ((n = getline(&text, &cap, f)) > 0) {
        if (text[n - 1] == '\n') n--;
        l.line = realloc(l.line, (l.count + 1) * sizeof *l.line);
        l.size = realloc(l.size, (l.count + 1) * sizeof *l.size);
        l.line[l.count] = memcpy(malloc(n), text, n), l.size[l.count++] = n;
    }
    fclose(f);
    return l;
}

/* ---- echo ---------------------------------------------------------------------------------------- */

static int echo(const char *answers) {
    Lines own = answers ? load(answers) : (Lines){0};
    Buf in = {0}, out = {0};
    size_t scanned = 0, count = 0;
    for (;;) {
        char *to = room(&in, 1 << 16);
        ssize_t n = read(0, to, in.cap - in.end);
        if (n <= 0) return 0;
        in.end += n;
        for (;;) {
            char *line = in.data + in.start, *nl;
            size_t have = in.end - in.start;
            if (!(nl = memchr(line + scanned, '\n', have - scanned))) { scanned = have; break; }
            char *id = line + sizeof HEAD - 1, *body = id + ID_DIGITS + sizeof CALL - 1;
            if (memcmp(line, HEAD, sizeof HEAD - 1)) { in.start += nl - line + 1, scanned = 0; continue; } /* a notification */
            put(&out, HEAD, sizeof HEAD - 1), put(&out, id, ID_DIGITS), put(&out, RESULT, sizeof RESULT - 1);
            if (memcmp(id + ID_DIGITS, CALL, sizeof CALL - 1)) put(&out, WELCOME, sizeof WELCOME - 1);
            else if (own.count) put(&out, own.line[count % own.count], own.size[count % own.count]);
            else put(&out, body, nl - body - 2);
            put(&out, "}\n", 2), count++;
            in.start += nl - line + 1, scanned = 0;
            write_all(1, out.data, out.end); /* every line at once, as servers do */
            out.start = out.end = 0;
        }
    }
}

/* ---- starting a command with both pipes ---------------------------------------------------------- */

static pid_t start(char **argv, int *to, int *from) {
    int down[2], up[2];
    if (pipe2(down, O_CLOEXEC) || pipe2(up, O_CLOEXEC)) die("pipe");
    pid_t pid = fork();
    if (pid < 0) die("fork");
    if (!pid) {
        dup2(down[0], 0), dup2(up[1], 1);
        execvp(argv[0], argv);
        die(argv[0]);
    }
    close(down[0]), close(up[1]);
    *to = down[1], *from = up[0];
    return pid;
}

/* ---- relay --------------------------------------------------------------------------------------- */

typedef struct { int from, to; Buf held; } Way;

/* One turn of one direction: write what is held, else read and write at once; 0 when it has ended. */
static int turn(Way *way) {
    if (way->held.end == way->held.start) {
        ssize_t n = read(way->from, room(&way->held, 1 << 16), 1 << 16);
        if (n <= 0) return n < 0 && errno == EAGAIN;
        way->held.end += n;
    }
    ssize_t n = write(way->to, way->held.data + way->held.start, way->held.end - way->held.start);
    if (n < 0) return errno == EAGAIN;
    way->held.start += n;
    return 1;
}

static int relay(char **argv) {
    int to, from, status;
    pid_t pid = start(argv, &to, &from);
    Way ways[2] = {{0, to, {0}}, {from, 1, {0}}};
    fcntl(0, F_SETFL, O_NONBLOCK), fcntl(1, F_SETFL, O_NONBLOCK);
    fcntl(to, F_SETFL, O_NONBLOCK), fcntl(from, F_SETFL, O_NONBLOCK);
    while (ways[1].from >= 0) {
        struct pollfd fds[2];
        for (int i = 0; i < 2; i++) {
            int held = ways[i].held.end > ways[i].held.start;
            fds[i] = (struct pollfd){held ? ways[i].to : ways[i].from, held ? POLLOUT : POLLIN, 0};
        }
        poll(fds, 2, -1);
        for (int i = 0; i < 2; i++)
            if (fds[i].revents && !turn(&ways[i])) close(ways[i].to), ways[i].from = -1, ways[i].held.start = ways[i].held.end;
    }
    waitpid(pid, &status, 0);
    return WEXITSTATUS(status);
}

/* ---- drive --------------------------------------------------------------------------------------- */

static int by_value(const void *a, const void *b) {
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

static void request(Buf *out, size_t i, Lines *payloads) {
    char id[16];
    put(out, HEAD, sizeof HEAD - 1);
    put(out, id, snprintf(id, sizeof id, "%zu", FIRST_ID + i));
    put(out, CALL, sizeof CALL - 1);
    put(out, payloads->line[i % payloads->count], payloads->size[i % payloads->count]);
    put(out, "}}\n", 3);
}

static void send_some(int to, Buf *out, size_t *count) {
    if (out->end == out->start) return;
    ssize_t n = write(to, out->data + out->start, out->end - out->start);
    if (n > 0) out->start += n, *count += n;
    else if (n < 0 && errno != EAGAIN) die("the server stopped reading");
}

static int drive(const char *mode, size_t total, size_t window, const char *path, char **argv) {
    Lines payloads = load(path);
    int64_t *took = calloc(total, sizeof *took), *sent_at = calloc(total, sizeof *sent_at);
    size_t sent = 0, done = 0, scanned = 0, up_bytes = 0, down_bytes = 0;
    Buf out = {0}, in = {0};
    int to, from, status;
    int64_t born = now_ns(), first = 0, begun = 0;
    pid_t pid = start(argv, &to, &from);
    fcntl(to, F_SETFL, O_NONBLOCK), fcntl(from, F_SETFL, O_NONBLOCK);
    while (done < total) {
        /* The first answer is awaited alone: start-up is a figure of its own. */
        while (sent < total && sent - done < (done ? window : 1)) {
            sent_at[sent] = now_ns();
            request(&out, sent++, &payloads);
            send_some(to, &out, &up_bytes);
        }
        send_some(to, &out, &up_bytes);
        struct pollfd fds[2] = {{from, POLLIN, 0}, {to, POLLOUT, 0}};
        if (poll(fds, out.end > out.start ? 2 : 1, 60000) <= 0) { fprintf(stderr, "no answer for 60 s\n"); return 1; }
        if (!(fds[0].revents & (POLLIN | POLLHUP))) continue;
        char *at = room(&in, 1 << 16);
        ssize_t n = read(from, at, in.cap - in.end);
        if (n == 0) { fprintf(stderr, "the server ended after %zu answers\n", done); return 1; }
        if (n < 0) continue;
        in.end += n, down_bytes += n;
        for (char *nl; (nl = memchr(in.data + in.start + scanned, '\n', in.end - in.start - scanned));) {
            char *line = in.data + in.start;
            if ((size_t)atol(line + sizeof HEAD - 1) != FIRST_ID + done) { fprintf(stderr, "answer %zu is out of order\n", done); return 1; }
            int64_t now = now_ns();
            took[done] = now - sent_at[done];
            if (!done++) first = now - born, begun = now;
            in.start += nl - line + 1, scanned = 0;
        }
        scanned = in.end - in.start;
    }
    int64_t ended = now_ns();
    qsort(took + 1, total - 1, sizeof *took, by_value);
    size_t n = total > 1 ? total - 1 : 1, base = total > 1 ? 1 : 0;
    printf("{\"first_ms\":%.3f,\"p50_us\":%.3f,\"p99_us\":%.3f,\"begun_ns\":%lld,\"ended_ns\":%lld,"
           "\"up_bytes\":%zu,\"down_bytes\":%zu}\n",
           first / 1e6, took[base + n / 2] / 1e3, took[base + n * 99 / 100] / 1e3,
           (long long)begun, (long long)ended, up_bytes, down_bytes);
    fflush(stdout);
    if (!strcmp(mode, "linger")) for (char c; read(0, &c, 1) > 0;);
    close(to);
    fcntl(from, F_SETFL, 0);
    while (read(from, room(&in, 1), 1) > 0);
    waitpid(pid, &status, 0);
    return status ? 1 : 0;
}

/* ---- HTTP ---------------------------------------------------------------------------------------- */

#define MAX_CONNECTIONS 256
#define STREAM_NAME "\"name\":\"stream\""

typedef struct { int fd, peer; Buf in, out; int64_t sent_at; } Conn;

static int tcp(int port, int listening) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    if (fd < 0) die("socket");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (!listening) { if (connect(fd, (struct sockaddr *)&at, sizeof at)) die("connect"); return fd; }
    if (bind(fd, (struct sockaddr *)&at, sizeof at) || listen(fd, MAX_CONNECTIONS)) die("listen");
    socklen_t size = sizeof at;
    getsockname(fd, (struct sockaddr *)&at, &size);
    printf("%d\n", ntohs(at.sin_port)), fflush(stdout);
    return fd;
}

static int accepted(int listener) {
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC), on = 1;
    if (fd >= 0) setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return fd;
}

/* Bytes of the first whole HTTP message in the buffer, 0 if there is none yet; *body is where its body begins. */
static size_t whole(Buf *b, char **body) {
    char *data = b->data + b->start;
    size_t have = b->end - b->start, length = 0;
    char *end = have ? memmem(data, have, "\r\n\r\n", 4) : NULL;
    if (!end) return 0;
    *body = end + 4;
    for (char *line = data; line < end; line = (char *)memchr(line, '\n', end + 2 - line) + 1) {
        if (!strncasecmp(line, "content-length:", 15)) length = strtoul(line + 15, NULL, 10);
        if (!strncasecmp(line, "transfer-encoding: chunked", 26)) {
            char *last = memmem(*body, have - (*body - data), "0\r\n\r\n", 5);
            return last ? last + 5 - data : 0;
        }
    }
    return have >= (*body - data) + length ? (*body - data) + length : 0;
}

static void flush(Conn *c) {
    while (c->out.end > c->out.start) {
        ssize_t n = write(c->fd, c->out.data + c->out.start, c->out.end - c->out.start);
        if (n < 0) return;
        c->out.start += n;
    }
    c->out.start = c->out.end = 0;
}

static void say(Conn *c, const char *head, size_t size, const char *body) {
    char text[256];
    put(&c->out, text, snprintf(text, sizeof text, "%sContent-Length: %zu\r\n\r\n", head, size));
    put(&c->out, body, size);
}

/* An SSE answer of as many events as the request's id says, a millisecond apart, each with its time. */
static void stream_events(Conn *c, char *body) {
    size_t events = atol(body + sizeof HEAD - 1) - FIRST_ID;
    char event[256], chunk[300];
    const char head[] = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
    put(&c->out, head, sizeof head - 1), flush(c);
    for (size_t i = 0; i < events; i++) {
        usleep(1000);
        int size = snprintf(event, sizeof event,
            "data: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":"
            "{\"progressToken\":1,\"message\":\"%0100d\",\"progress\":%lld}}\n\n", 0, (long long)now_ns());
        put(&c->out, chunk, snprintf(chunk, sizeof chunk, "%x\r\n%s\r\n", size, event)), flush(c);
    }
    put(&c->out, "0\r\n\r\n", 5), flush(c);
}

static void answer(Conn *c) {
    char *body, text[32];
    const char head[] = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n";
    for (size_t n; (n = whole(&c->in, &body)); c->in.start += n) {
        size_t size = n - (body - (c->in.data + c->in.start));
        if (memmem(body, size, STREAM_NAME, sizeof STREAM_NAME - 1)) { stream_events(c, body); continue; }
        if (memcmp(body, HEAD, sizeof HEAD - 1)) { say(c, "HTTP/1.1 202 Accepted\r\n", 0, text); continue; } /* a notification */
        char *id = body + sizeof HEAD - 1, *value = id + ID_DIGITS + sizeof CALL - 1;
        Buf json = {0};
        put(&json, HEAD, sizeof HEAD - 1), put(&json, id, ID_DIGITS), put(&json, RESULT, sizeof RESULT - 1);
        if (memcmp(id + ID_DIGITS, CALL, sizeof CALL - 1)) put(&json, WELCOME, sizeof WELCOME - 1), put(&json, "}", 1);
        else put(&json, value, body + size - value - 1);
        say(c, head, json.end, json.data), free(json.data);
    }
    flush(c);
}

/* serve (upstream 0) and forward (to a port): one loop over all connections. */
static int serve(int upstream) {
    static Conn conns[MAX_CONNECTIONS];
    struct pollfd fds[MAX_CONNECTIONS + 1];
    int listener = tcp(0, 1), count = 0;
    for (;;) {
        fds[0] = (struct pollfd){listener, POLLIN, 0};
        for (int i = 0; i < count; i++) {
            int full = conns[i].out.end > conns[i].out.start;
            int blocked = upstream && conns[conns[i].peer].out.end > conns[conns[i].peer].out.start;
            fds[i + 1] = (struct pollfd){conns[i].fd, (full ? POLLOUT : 0) | (blocked ? 0 : POLLIN), 0};
        }
        if (poll(fds, count + 1, -1) < 0) return 1;
        for (int i = 0; i < count; i++) {
            Conn *c = &conns[i], *to = upstream ? &conns[c->peer] : c;
            if (fds[i + 1].revents & POLLOUT) flush(c);
            if (!(fds[i + 1].revents & (POLLIN | POLLHUP | POLLERR)) || c->fd < 0) continue;
            Buf *into = upstream ? &to->out : &c->in;
            char *room_at = room(into, 1 << 16);
            ssize_t n = read(c->fd, room_at, 1 << 16);
            if (n < 0 && errno == EAGAIN) continue;
            if (n <= 0) {
                shutdown(to->fd, SHUT_WR);
                if (!upstream) close(c->fd);
                c->fd = -1; /* slots are not used again: a measurement opens few connections */
                continue;
            }
            into->end += n;
            if (upstream) flush(to); else answer(c);
        }
        if ((fds[0].revents & POLLIN) && count + 2 <= MAX_CONNECTIONS) {
            int fd = accepted(listener);
            if (fd < 0) continue;
            conns[count] = (Conn){.fd = fd, .peer = count + 1}, count++;
            if (upstream) {
                fd = tcp(upstream, 0), fcntl(fd, F_SETFL, O_NONBLOCK);
                conns[count] = (Conn){.fd = fd, .peer = count - 1}, count++;
            }
        }
    }
}

static char session[300]; /* the header line of the session that the server gave, if it gave one */

static void post_body(Conn *c, int port, const char *body, size_t size) {
    char head[700];
    put(&c->out, head, snprintf(head, sizeof head, "POST /mcp HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n"
        "Content-Type: application/json\r\nAccept: application/json, text/event-stream\r\n%s"
        "Content-Length: %zu\r\n\r\n", port, session, size));
    put(&c->out, body, size);
    c->sent_at = now_ns(), flush(c);
}

static void post(Conn *c, int port, size_t i, Lines *payloads) {
    Buf body = {0};
    request(&body, i, payloads);
    post_body(c, port, body.data, body.end - 1); /* no newline in HTTP */
    free(body.data);
}

/* The handshake, so that bridges have a session to put the calls in. */
static void initialize(int port) {
    Conn c = {.fd = tcp(port, 0)};
    char text[400], *body, *line;
    size_t n;
    post_body(&c, port, text, snprintf(text, sizeof text, "%s%d%s", HEAD, FIRST_ID - 1, INITIALIZE));
    while (!(n = whole(&c.in, &body))) {
        char *at = room(&c.in, 4096);
        ssize_t got = read(c.fd, at, 4095);
        if (got <= 0) { fprintf(stderr, "no answer to initialize\n"); exit(1); }
        c.in.end += got;
    }
    c.in.data[n] = 0;
    if ((line = strcasestr(c.in.data, "mcp-session-id:"))) snprintf(session, sizeof session, "%.*s", (int)(strchr(line, '\n') + 1 - line), line);
    close(c.fd);
}

static int report(int64_t *took, size_t total, int64_t begun, size_t bytes) {
    int64_t ended = now_ns();
    qsort(took, total, sizeof *took, by_value);
    printf("{\"first_ms\":0,\"p50_us\":%.3f,\"p99_us\":%.3f,\"begun_ns\":%lld,\"ended_ns\":%lld,\"up_bytes\":0,"
           "\"down_bytes\":%zu}\n", took[total / 2] / 1e3, took[total * 99 / 100] / 1e3, (long long)begun,
           (long long)ended, bytes);
    return 0;
}

static int post_all(int port, size_t total, size_t count, const char *path) {
    Lines payloads = load(path);
    Conn *conns = calloc(count, sizeof *conns);
    struct pollfd *fds = calloc(count, sizeof *fds);
    int64_t *took = calloc(total, sizeof *took), begun;
    size_t sent = 0, done = 0, bytes = 0;
    initialize(port), begun = now_ns();
    for (size_t i = 0; i < count; i++) {
        conns[i].fd = tcp(port, 0), fcntl(conns[i].fd, F_SETFL, O_NONBLOCK);
        if (sent < total) post(&conns[i], port, sent++, &payloads);
    }
    while (done < total) {
        for (size_t i = 0; i < count; i++)
            fds[i] = (struct pollfd){conns[i].fd, POLLIN | (conns[i].out.end > conns[i].out.start ? POLLOUT : 0), 0};
        if (poll(fds, count, 60000) <= 0) { fprintf(stderr, "no answer for 60 s\n"); return 1; }
        for (size_t i = 0; i < count; i++) {
            char *body, *at;
            if (fds[i].revents & POLLOUT) flush(&conns[i]);
            if (!(fds[i].revents & POLLIN)) continue;
            at = room(&conns[i].in, 1 << 16);
            ssize_t n = read(conns[i].fd, at, 1 << 16);
            if (n <= 0) { fprintf(stderr, "a connection ended after %zu answers\n", done); return 1; }
            conns[i].in.end += n, bytes += n;
            if (!(n = whole(&conns[i].in, &body))) continue;
            if (strncmp(conns[i].in.data + conns[i].in.start, "HTTP/1.1 200", 12)) { fprintf(stderr, "answer %zu: %.60s\n", done, conns[i].in.data); return 1; }
            took[done++] = now_ns() - conns[i].sent_at, conns[i].in.start += n;
            if (sent < total) post(&conns[i], port, sent++, &payloads);
        }
    }
    return report(took, total, begun, bytes);
}

static int read_stream(int port, size_t events) {
    int64_t *took = calloc(events, sizeof *took), begun = now_ns();
    size_t done = 0, bytes = 0;
    Conn c = {.fd = tcp(port, 0)};
    char text[512], body[256];
    int size = snprintf(body, sizeof body, "%s%zu,\"method\":\"tools/call\",\"params\":{\"arguments\":{},%s}}", HEAD, FIRST_ID + events, STREAM_NAME);
    put(&c.out, text, snprintf(text, sizeof text, "POST /mcp HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nContent-Type: application/json\r\n"
        "Accept: application/json, text/event-stream\r\nContent-Length: %d\r\n\r\n%s", port, size, body)), flush(&c);
    while (done < events) {
        char *at = room(&c.in, 1 << 16);
        ssize_t n = read(c.fd, at, 1 << 16);
        if (n <= 0) { fprintf(stderr, "the stream ended after %zu events\n", done); return 1; }
        c.in.end += n, bytes += n;
        for (char *found; (found = memmem(c.in.data + c.in.start, c.in.end - c.in.start, "\"progress\":", 11));) {
            if (!memchr(found, '\n', c.in.data + c.in.end - found)) break;
            took[done++] = now_ns() - strtoll(found + 11, NULL, 10);
            c.in.start = found + 11 - c.in.data;
        }
    }
    return report(took, events, begun, bytes);
}

int main(int argc, char **argv) {
    if (argc >= 2 && !strcmp(argv[1], "echo")) return echo(argc > 2 ? argv[2] : NULL);
    if (argc >= 3 && !strcmp(argv[1], "relay")) return relay(argv + 2);
    if (argc >= 7 && !strcmp(argv[1], "drive"))
        return drive(argv[2], strtoul(argv[3], NULL, 10), strtoul(argv[4], NULL, 10), argv[5], argv + 6);
    if (argc >= 2 && !strcmp(argv[1], "serve")) return serve(0);
    if (argc >= 3 && !strcmp(argv[1], "forward")) return serve(atoi(argv[2]));
    if (argc >= 6 && !strcmp(argv[1], "post"))
        return post_all(atoi(argv[2]), strtoul(argv[3], NULL, 10), strtoul(argv[4], NULL, 10), argv[5]);
    if (argc >= 4 && !strcmp(argv[1], "stream")) return read_stream(atoi(argv[2]), strtoul(argv[3], NULL, 10));
    fprintf(stderr, "usage: see the top of bench.c\n");
    return 2;
}
