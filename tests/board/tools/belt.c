/* The belt, in real time: moves parts past light barriers, camera and gate that are the kernel's simulated devices, and tells what
 * the gate did to each.
 *
 *   belt PLAN >EVENTS      ends with 0 when the plan is over, 3 when the station held the belt for longer than HOLD_S
 *   belt --lines           only makes the lines
 *
 * The lines are those of a gpio-sim chip labelled "line", made here with the names below. The belt runs while `run-ok` is on.
 * `confirm` is a light barrier in the chute behind the gate. PLAN has one thing a line; lengths in millimetres of belt travel since
 * the start, times in milliseconds, '#' begins a comment:
 *   set KEY NUMBER                  speed (mm/s), step (mm from one rising edge of encoder-a to the next; encoder-b is a quarter of
 *                                   it behind), length, gate, photogate, confirm (distances from the trigger), look (how far ahead
 *                                   of the trigger the camera sees the part)
 *   MM part PICTURE KIND EXPECT     a part's leading edge is at the trigger; picture number; the rest is repeated in EVENTS
 *   MM bounce                       the trigger's next edge bounces
 *   MM ghost                        the trigger does not see the next part
 *   MM stop MS                      the belt stands still, as its drive says
 *   MM back MM                      the belt runs back that far, then on
 *   MM stall MS                     the encoder stands still, the belt runs
 *   MM press LINE DELAY MS          an input is on for a while
 *   MM file PATH DELAY MS           a file exists for a while: how camera and display are broken
 *   MM run COMMAND                  the shell runs it, beside the belt
 * EVENTS has a JSON object a line: "part" for each that has left, "line" for each change of an output, "did" for each fault, "end".
 * "t" is CLOCK_MONOTONIC in microseconds, "x" travel in micrometres. A stalled machine slows the belt down; nothing is skipped.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define TICK_US 2000
#define SLIP_US 6000      /* the belt moves for at most this long at once, however late a tick is */
#define HOLD_S 30
#define PARTS 1000
#define MARKS (12 * PARTS)
#define TIMERS 64
#define CHIP "/sys/kernel/config/gpio-sim/line"

enum { TRIGGER, ENCODER_A, ENCODER_B, PHOTOGATE, CONFIRM, RESET, BIN_FULL, SELECT_1, SELECT_2, STROBE, REJECT, RUN_OK, HEARTBEAT, ALARM, LINES };
/* An output that nobody drives reads as its pull: a gate without a station diverts. */
static struct { const char *name; int pull, value, fd; } line[LINES] = {
	{ "trigger", 0, 0, 0 }, { "encoder-a", 0, 0, 0 }, { "encoder-b", 0, 0, 0 }, { "photogate", 0, 0, 0 }, { "confirm", 0, 0, 0 },
	{ "reset", 0, 0, 0 }, { "bin-full", 0, 0, 0 }, { "select-1", 0, 0, 0 }, { "select-2", 0, 0, 0 }, { "select-strobe", 0, 0, 0 },
	{ "reject", 1, 0, 0 }, { "run-ok", 0, 0, 0 }, { "heartbeat", 0, 0, 0 }, { "alarm", 0, 0, 0 },
};

static double speed = 40, step = 1, length = 32, gate = 400, photogate = 395, confirm = 450, look = 12;
static struct { int picture, gate[3]; int64_t edge_t, photo_t; char kind[24], expect[24]; } part[PARTS];
static int parts;

enum what { LOOK, TRIGGER_ON, TRIGGER_OFF, PHOTO_ON, PHOTO_OFF, FRONT, MIDDLE, REAR, CONFIRM_ON, CONFIRM_OFF, COMMAND };
static struct mark { int64_t x; int order; enum what what; int part; char *text; } mark[MARKS];
static int marks;

enum timed { NOTHING, LINE_TO, MAKE_FILE, REMOVE_FILE };
static struct { int64_t t; enum timed what; int line, value; char *path; } timer[TIMERS];

static int64_t x, t, stop_until, stall_until, back_to = INT64_MIN;
static int bouncing, ghostly, turned;
static volatile uint32_t *picture;
static volatile sig_atomic_t ended;

static void die(const char *what)
{
	fprintf(stderr, "belt: %s: %s\n", what, errno ? strerror(errno) : "not understood");
	exit(1);
}

static int64_t now(void)
{
	struct timespec s;
	clock_gettime(CLOCK_MONOTONIC, &s);
	return s.tv_sec * 1000000ll + s.tv_nsec / 1000;
}

/* --- lines --- */

static void put(const char *folder, const char *name, const char *text)
{
	char path[512];
	snprintf(path, sizeof path, "%s/%s", folder, name);
	int fd = open(path, O_WRONLY);
	if (fd < 0 || write(fd, text, strlen(text)) < 0) die(path);
	close(fd);
}

static void get(const char *folder, const char *name, char *text, size_t n)
{
	char path[512];
	snprintf(path, sizeof path, "%s/%s", folder, name);
	int fd = open(path, O_RDONLY);
	ssize_t k = fd < 0 ? -1 : read(fd, text, n - 1);
	if (k < 0) die(path);
	text[k] = 0;
	text[strcspn(text, "\n")] = 0;
	close(fd);
}

static void make_lines(void)
{
	char path[128], number[8];
	if (mkdir(CHIP, 0755)) { if (errno == EEXIST) return; die(CHIP); }
	mkdir(CHIP "/bank0", 0755);
	put(CHIP, "bank0/label", "line");
	snprintf(number, sizeof number, "%d", LINES);
	put(CHIP, "bank0/num_lines", number);
	for (int i = 0; i < LINES; i++) {
		snprintf(path, sizeof path, CHIP "/bank0/line%d", i);
		if (mkdir(path, 0755)) die(path);
		put(path, "name", line[i].name);
	}
	put(CHIP, "live", "1");
}

static void set_line(int i, int value)
{
	const char *text = value ? "pull-up" : "pull-down";
	if (pwrite(line[i].fd, text, strlen(text), 0) < 0) die(line[i].name);
	line[i].value = value;
}

static void open_lines(void)
{
	char device[64], chip[64], path[256];
	get(CHIP, "dev_name", device, sizeof device);
	get(CHIP, "bank0/chip_name", chip, sizeof chip);
	for (int i = 0; i < LINES; i++) {
		snprintf(path, sizeof path, "/sys/devices/platform/%s/%s/sim_gpio%d/pull", device, chip, i);
		line[i].fd = open(path, O_WRONLY);
		if (line[i].fd < 0) die(path);
		set_line(i, line[i].pull);
		if (i < REJECT) continue;
		close(line[i].fd);
		snprintf(path, sizeof path, "/sys/devices/platform/%s/%s/sim_gpio%d/value", device, chip, i);
		line[i].fd = open(path, O_RDONLY);
		if (line[i].fd < 0) die(path);
	}
}

static int find_line(const char *name)
{
	for (int i = 0; i < REJECT; i++)
		if (!strcmp(line[i].name, name)) return i;
	return errno = 0, die(name), 0;
}

static void read_outputs(void)
{
	for (int i = REJECT; i < LINES; i++) {
		char v = 0;
		if (pread(line[i].fd, &v, 1, 0) != 1) die(line[i].name);
		if (v - '0' == line[i].value) continue;
		line[i].value = v - '0';
		printf("{\"t\":%lld,\"x\":%lld,\"line\":\"%s\",\"value\":%d}\n", (long long)t, (long long)x, line[i].name, line[i].value);
	}
}

/* --- plan --- */

static void add(double mm, enum what what, int of, const char *text)
{
	if (marks == MARKS) { errno = ENOSPC; die("plan"); }
	mark[marks] = (struct mark){ (int64_t)(mm * 1000), marks, what, of, text ? strdup(text) : 0 };
	marks++;
}

static int before(const void *a, const void *b)
{
	const struct mark *m = a, *n = b;
	return m->x != n->x ? (m->x > n->x) - (m->x < n->x) : m->order - n->order;
}

static void read_plan(const char *path)
{
	static const struct { const char *name; double *value; } keys[] = { { "speed", &speed }, { "step", &step }, { "length", &length },
		{ "gate", &gate }, { "photogate", &photogate }, { "confirm", &confirm }, { "look", &look } };
	FILE *f = fopen(path, "r");
	char text[256], key[32];
	double mm, value;
	int n = 0;
	if (!f) die(path);
	while (fgets(text, sizeof text, f)) {
		text[strcspn(text, "#\n")] = 0;
		if (sscanf(text, "set %31s %lf", key, &value) == 2) {
			size_t i = 0, all = sizeof keys / sizeof *keys;
			while (i < all && strcmp(keys[i].name, key)) i++;
			if (errno = 0, i == all) die(text);
			*keys[i].value = value;
		} else if (sscanf(text, "%lf part %d %23s %23s", &mm, &part[parts].picture, part[parts].kind, part[parts].expect) == 4) {
			add(mm - look, LOOK, parts, 0);
			add(mm, TRIGGER_ON, parts, 0), add(mm + length, TRIGGER_OFF, parts, 0);
			add(mm + photogate, PHOTO_ON, parts, 0), add(mm + photogate + length, PHOTO_OFF, parts, 0);
			add(mm + gate, FRONT, parts, 0), add(mm + gate + length / 2, MIDDLE, parts, 0), add(mm + gate + length, REAR, parts, 0);
			add(mm + confirm, CONFIRM_ON, parts, 0), add(mm + confirm + length, CONFIRM_OFF, parts, 0);
			if (++parts == PARTS) { errno = ENOSPC; die("plan"); }
		} else if (sscanf(text, "%lf %n", &mm, &n) == 1 && text[n]) add(mm, COMMAND, -1, text + n);
		else if (text[strspn(text, " \t")]) errno = 0, die(text);
	}
	fclose(f);
	qsort(mark, marks, sizeof *mark, before);
}

/* --- what happens --- */

static void later(int64_t due, enum timed what, int which, int value, const char *path)
{
	for (int i = 0; i < TIMERS; i++) {
		if (timer[i].what != NOTHING) continue;
		timer[i].t = due, timer[i].what = what, timer[i].line = which, timer[i].value = value;
		timer[i].path = path ? strdup(path) : 0;
		return;
	}
	errno = ENOSPC, die("timers");
}

static void run_timers(void)
{
	for (int i = 0; i < TIMERS; i++) {
		if (timer[i].what == NOTHING || timer[i].t > t) continue;
		if (timer[i].what == LINE_TO) set_line(timer[i].line, timer[i].value);
		if (timer[i].what == REMOVE_FILE) unlink(timer[i].path);
		if (timer[i].what == MAKE_FILE) {
			int fd = open(timer[i].path, O_CREAT | O_WRONLY, 0644);
			if (fd < 0) die(timer[i].path);
			close(fd);
		}
		timer[i].what = NOTHING;
		free(timer[i].path);
	}
}

static void command(const char *text)
{
	char a[128];
	double v;
	int delay, ms;
	if (!strcmp(text, "bounce")) bouncing = 1;
	else if (!strcmp(text, "ghost")) ghostly = 1;
	else if (sscanf(text, "stop %d", &ms) == 1) stop_until = t + ms * 1000ll;
	else if (sscanf(text, "back %lf", &v) == 1) back_to = x - (int64_t)(v * 1000), turned = 1;
	else if (sscanf(text, "stall %d", &ms) == 1) stall_until = t + ms * 1000ll;
	else if (sscanf(text, "press %127s %d %d", a, &delay, &ms) == 3) {
		later(t + delay * 1000ll, LINE_TO, find_line(a), 1, 0);
		later(t + (delay + ms) * 1000ll, LINE_TO, find_line(a), 0, 0);
	} else if (sscanf(text, "file %127s %d %d", a, &delay, &ms) == 3) {
		later(t + delay * 1000ll, MAKE_FILE, 0, 0, a);
		later(t + (delay + ms) * 1000ll, REMOVE_FILE, 0, 0, a);
	} else if (!strncmp(text, "run ", 4)) {
		pid_t child = fork();
		if (child < 0) die("fork");
		if (!child) dup2(2, 1), execl("/bin/sh", "sh", "-c", text + 4, (char *)0), _exit(127); /* EVENTS is the belt's alone */
	} else errno = 0, die(text);
	printf("{\"t\":%lld,\"x\":%lld,\"did\":\"%s\"}\n", (long long)t, (long long)x, text);
}

static void reach(const struct mark *m)
{
	int i = m->part, diverted = i >= 0 && part[i].gate[1];
	switch (m->what) {
	case LOOK: *picture = part[i].picture; break;
	case TRIGGER_ON:
		part[i].edge_t = now();
		set_line(TRIGGER, !ghostly);
		for (int k = 1; bouncing && k <= 4; k++) later(t + k * TICK_US, LINE_TO, TRIGGER, k % 2 == 0, 0);
		bouncing = ghostly = 0;
		break;
	case TRIGGER_OFF: set_line(TRIGGER, 0); break;
	case PHOTO_ON:
		part[i].photo_t = now();
		set_line(PHOTOGATE, 1);
		break;
	case PHOTO_OFF: set_line(PHOTOGATE, 0); break;
	case FRONT: case MIDDLE:
		read_outputs();
		part[i].gate[m->what - FRONT] = line[REJECT].value;
		break;
	case REAR:
		read_outputs();
		part[i].gate[2] = line[REJECT].value;
		printf("{\"t\":%lld,\"x\":%lld,\"part\":%d,\"picture\":%d,\"kind\":\"%s\",\"expect\":\"%s\",\"edge_t\":%lld,"
			"\"photo_t\":%lld,\"edge_x\":%lld,\"gate\":[%d,%d,%d]}\n", (long long)t, (long long)x, i, part[i].picture, part[i].kind,
			part[i].expect, (long long)part[i].edge_t, (long long)part[i].photo_t,
			(long long)(m->x - (int64_t)((gate + length) * 1000)), part[i].gate[0], part[i].gate[1], part[i].gate[2]);
		break;
	case CONFIRM_ON: if (diverted) set_line(CONFIRM, 1); break;
	case CONFIRM_OFF: if (diverted) set_line(CONFIRM, 0); break;
	case COMMAND: command(m->text);
	}
}

/* Moves to `target`, passing encoder edges and marks in their order. */
static void move(int64_t target)
{
	static int next;
	static int64_t edges;
	const int64_t quarter = step * 250;
	int forward = target > x;
	for (;;) {
		int64_t edge = (edges + (forward ? 1 : 0)) * quarter;
		int at_edge = forward ? edge <= target : edge > target;
		if (forward && next < marks && mark[next].x <= target && (!at_edge || mark[next].x < edge)) {
			if (mark[next].x > x) x = mark[next].x;
			reach(&mark[next++]);
			if (turned || stop_until > t) return;
			continue;
		}
		if (!at_edge) break;
		x = edge;
		edges += forward ? 1 : -1;
		if (stall_until > t) continue;
		set_line(ENCODER_A, (edges & 3) == 1 || (edges & 3) == 2);
		set_line(ENCODER_B, (edges & 3) >= 2);
	}
	x = target;
}

static void on_signal(int s) { (void)s; ended = 1; }

int main(int count, char **arg)
{
	if (count != 2) { fprintf(stderr, "usage: belt PLAN | belt --lines\n"); return 2; }
	make_lines();
	open_lines();
	if (!strcmp(arg[1], "--lines")) return 0;
	read_plan(arg[1]);
	int fd = open("/run/camera/picture", O_RDWR);
	picture = fd < 0 ? MAP_FAILED : mmap(0, sizeof *picture, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (picture == MAP_FAILED) die("/run/camera/picture");
	setvbuf(stdout, 0, _IOLBF, 0);
	signal(SIGTERM, on_signal);
	signal(SIGCHLD, SIG_IGN);
	struct sched_param priority = { .sched_priority = 80 };
	if (sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &priority) || mlockall(MCL_CURRENT | MCL_FUTURE)) die("real time");

	const int64_t end = marks ? mark[marks - 1].x + 1000 : 0;
	int64_t last = t = now(), ran = t, latest = 0;
	for (int64_t due = t; x < end && !ended; due += TICK_US) {
		if (due < t) due = t;
		struct timespec until = { due / 1000000, due % 1000000 * 1000 };
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, 0);
		last = t, t = now();
		if (t - due > latest) latest = t - due;
		run_timers();
		read_outputs();
		if (!line[RUN_OK].value) { if (t - ran > HOLD_S * 1000000ll) break; continue; }
		ran = t;
		if (stop_until > t) continue;
		int64_t far = (t - last < SLIP_US ? t - last : SLIP_US) * speed / 1000;
		if (turned) { move(x - far > back_to ? x - far : back_to); if (x == back_to) turned = 0; }
		else move(x + far);
	}
	printf("{\"t\":%lld,\"x\":%lld,\"end\":%s,\"latest_us\":%lld}\n", (long long)t, (long long)x, x < end ? "false" : "true", (long long)latest);
	return x < end ? 3 : 0;
}
