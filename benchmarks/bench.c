/* The bare ends of a measurement, so that what is measured is what lies between them:
 *
 *   bench echo [ANSWERS]                  an MCP server on stdio: answers every line at once
 *   bench relay CMD...                    bytes through, both ways, nothing else: the floor
 *   bench drive MODE N WINDOW PAYLOADS CMD...   a client: starts CMD, sends N requests, prints JSON
 *
 * MODE is "time" (one in flight, latencies), "flood" (WINDOW in flight, rate) or "linger" (a flood, after
 * which the connection stays open until our stdin ends). PAYLOADS and ANSWERS hold one JSON object a line.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define FIRST_ID 10000000
static const char HEAD[] = "{\"jsonrpc\":\"2.0\",\"id\":";
static const char CALL[] = ",\"method\":\"tools/call\",\"params\":{\"name\":\"echo\",\"arguments\":";
static const char RESULT[] = ",\"result\":";
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
            put(&out, HEAD, sizeof HEAD - 1), put(&out, id, ID_DIGITS), put(&out, RESULT, sizeof RESULT - 1);
            if (own.count) put(&out, own.line[count % own.count], own.size[count % own.count]);
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

int main(int argc, char **argv) {
    if (argc >= 2 && !strcmp(argv[1], "echo")) return echo(argc > 2 ? argv[2] : NULL);
    if (argc >= 3 && !strcmp(argv[1], "relay")) return relay(argv + 2);
    if (argc >= 7 && !strcmp(argv[1], "drive"))
        return drive(argv[2], strtoul(argv[3], NULL, 10), strtoul(argv[4], NULL, 10), argv[5], argv + 6);
    fprintf(stderr, "usage: bench echo|relay|drive ...\n");
    return 2;
}
