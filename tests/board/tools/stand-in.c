/* Stands in for the station, to try the board without it: cheats, and knows no fault.
 *
 *   stand-in PICTURES SOUND
 *
 * Finds each part's picture among PICTURES (as usb-camera has them) and rejects all but the first SOUND of them; what it does not
 * know it rejects. Geometry is that of station.toml. Draws a bar as long as its count of parts on the display. Keeps no records.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/gpio.h>
#include <linux/i2c-dev.h>
#include <linux/videodev2.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define SIDE 256
#define SIZE (SIDE * SIDE * 2)
#define SAMPLE 64          /* every so many bytes are compared; even, so that it is luma */
#define NEAR 2             /* mean difference that is still the same picture */
#define STEP_UM 1000
#define OPEN_UM (400000 - 12000)
#define CLOSE_UM (400000 + 44000)
#define LOCKOUT_UM 15000
#define PARTS 1000
#define BEAT_US 400000
#define BUFFERS 4

/* Offsets as in belt.c. */
enum { TRIGGER = 0, ENCODER = 1, REJECT = 7, RUN_OK = 8, HEARTBEAT = 9 };
static struct { long long x, t; int waiting, bad; } part[PARTS];
static int parts;
static const unsigned char *pictures;
static int sound;
static volatile sig_atomic_t ended;

static void die(const char *what)
{
	fprintf(stderr, "stand-in: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void on_term(int s) { (void)s; ended = 1; }

static long long now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000ll + t.tv_nsec / 1000;
}

static void say(const char *text)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	const char *path = getenv("NOTIFY_SOCKET");
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	if (path && fd >= 0) {
		strncpy(a.sun_path, path, sizeof a.sun_path - 1);
		if (sendto(fd, text, strlen(text), 0, (void *)&a, sizeof a) < 0) die(path);
	}
	close(fd);
}

static int request(int chip, const int *offsets, int n, unsigned long long flags, unsigned long long values)
{
	struct gpio_v2_line_request r = { .num_lines = n, .consumer = "stand-in", .event_buffer_size = 512 };
	for (int i = 0; i < n; i++) r.offsets[i] = offsets[i];
	r.config.flags = flags;
	if (flags & GPIO_V2_LINE_FLAG_OUTPUT) {
		r.config.num_attrs = 1;
		r.config.attrs[0].mask = (1ull << n) - 1;
		r.config.attrs[0].attr.id = GPIO_V2_LINE_ATTR_ID_OUTPUT_VALUES;
		r.config.attrs[0].attr.values = values;
	}
	if (ioctl(chip, GPIO_V2_GET_LINE_IOCTL, &r)) die("lines");
	return r.fd;
}

static int open_chip(void)
{
	for (int i = 0; i < 8; i++) {
		char path[32];
		struct gpiochip_info about;
		snprintf(path, sizeof path, "/dev/gpiochip%d", i);
		int fd = open(path, O_RDWR);
		if (fd >= 0 && !ioctl(fd, GPIO_GET_CHIPINFO_IOCTL, &about) && !strcmp(about.label, "line")) return fd;
		close(fd);
	}
	errno = ENODEV, die("chip");
	return -1;
}

static void set(int outputs, int which, int value)
{
	struct gpio_v2_line_values v = { .bits = (unsigned long long)value << which, .mask = 1ull << which };
	if (ioctl(outputs, GPIO_V2_LINE_SET_VALUES_IOCTL, &v)) die("output");
}

static unsigned char *buffer[BUFFERS];

static int open_camera(void)
{
	int fd = open("/dev/video0", O_RDWR | O_NONBLOCK), type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
	struct v4l2_format f = { .type = type };
	f.fmt.pix.width = f.fmt.pix.height = SIDE;
	f.fmt.pix.pixelformat = V4L2_PIX_FMT_YUYV;
	struct v4l2_requestbuffers r = { .count = BUFFERS, .type = type, .memory = V4L2_MEMORY_MMAP };
	if (fd < 0 || ioctl(fd, VIDIOC_S_FMT, &f) || ioctl(fd, VIDIOC_REQBUFS, &r)) die("camera");
	for (unsigned i = 0; i < BUFFERS; i++) {
		struct v4l2_buffer b = { .index = i, .type = type, .memory = V4L2_MEMORY_MMAP };
		if (ioctl(fd, VIDIOC_QUERYBUF, &b)) die("camera's buffer");
		buffer[i] = mmap(0, b.length, PROT_READ, MAP_SHARED, fd, b.m.offset);
		if (buffer[i] == MAP_FAILED || ioctl(fd, VIDIOC_QBUF, &b)) die("camera's buffer");
	}
	if (ioctl(fd, VIDIOC_STREAMON, &type)) die("camera's stream");
	return fd;
}

static void draw(int bar)
{
	const unsigned char start[] = { 0, 0xae, 0xa8, 63, 0x20, 0, 0x21, 0, 127, 0x22, 0, 7, 0xaf };
	unsigned char frame[1 + 1024] = { 0x40 };
	for (int i = 0; i < 1024; i++) frame[1 + i] = i % 128 == 0 || i % 128 == 127 ? 0xff : i % 128 < bar ? 0x3c : 0;
	int fd = open("/dev/i2c-0", O_RDWR);
	if (fd < 0 || ioctl(fd, I2C_SLAVE, 0x3c) || write(fd, start, sizeof start) < 0 || write(fd, frame, sizeof frame) < 0) die("display");
	close(fd);
}

/* Whether this is none of the sound pictures. */
static int is_bad(const unsigned char *frame)
{
	for (int k = 0; k < sound; k++) {
		long off = 0;
		for (int i = 0; i < SIZE; i += SAMPLE) off += abs(frame[i] - pictures[(long)k * SIZE + i]);
		if (off < NEAR * SIZE / SAMPLE) return 0;
	}
	return 1;
}

/* The next frame, for every part whose edge it is behind. */
static void take_frame(int camera)
{
	struct v4l2_buffer b = { .type = V4L2_BUF_TYPE_VIDEO_CAPTURE, .memory = V4L2_MEMORY_MMAP };
	if (ioctl(camera, VIDIOC_DQBUF, &b)) { if (errno == EAGAIN) return; die("camera's frame"); }
	long long taken = b.timestamp.tv_sec * 1000000ll + b.timestamp.tv_usec;
	for (int i = 0; i < parts; i++)
		if (part[i].waiting && taken >= part[i].t) part[i].waiting = 0, part[i].bad = is_bad(buffer[b.index]);
	if (ioctl(camera, VIDIOC_QBUF, &b)) die("camera's buffer");
}

int main(int count, char **arg)
{
	if (count != 3) { fprintf(stderr, "usage: stand-in PICTURES SOUND\n"); return 2; }
	struct stat s;
	int fd = open(arg[1], O_RDONLY);
	if (fd < 0 || fstat(fd, &s)) die(arg[1]);
	sound = atoi(arg[2]);
	if (sound > s.st_size / SIZE) { errno = EINVAL; die(arg[2]); }
	pictures = mmap(0, s.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (pictures == MAP_FAILED) die(arg[1]);
	signal(SIGTERM, on_term);
	int chip = open_chip(), camera = open_camera();
	int inputs = request(chip, (int[]){ TRIGGER, ENCODER }, 2, GPIO_V2_LINE_FLAG_INPUT | GPIO_V2_LINE_FLAG_EDGE_RISING, 0);
	int outputs = request(chip, (int[]){ REJECT, RUN_OK, HEARTBEAT }, 3, GPIO_V2_LINE_FLAG_OUTPUT, 1);
	struct sched_param priority = { .sched_priority = 50 };
	if (sched_setscheduler(0, SCHED_FIFO, &priority)) die("real time");
	draw(0);
	say("READY=1");
	set(outputs, 1, 1);

	long long x = 0, beaten = 0;
	int beat = 0, diverts = -1;
	while (!ended) {
		struct pollfd p[2] = { { inputs, POLLIN, 0 }, { camera, POLLIN, 0 } };
		poll(p, 2, 20);
		if (p[0].revents) {
			struct gpio_v2_line_event e[64];
			int n = read(inputs, e, sizeof e) / (int)sizeof *e;
			for (int i = 0; i < n; i++) {
				if (e[i].offset == ENCODER) x += STEP_UM;
				else if ((!parts || x - part[parts - 1].x >= LOCKOUT_UM) && parts < PARTS) {
					part[parts].x = x, part[parts].t = e[i].timestamp_ns / 1000;
					part[parts].waiting = part[parts].bad = 1;
					parts++;
				}
			}
		}
		if (p[1].revents) take_frame(camera);
		int divert = 0;
		for (int i = 0; i < parts; i++) divert |= part[i].bad && x >= part[i].x + OPEN_UM && x < part[i].x + CLOSE_UM;
		if (divert != diverts) set(outputs, 0, diverts = divert);
		if (now() - beaten < BEAT_US) continue;
		beaten = now();
		set(outputs, 2, beat = !beat);
		say("WATCHDOG=1");
	}
	set(outputs, 0, 1);
	set(outputs, 1, 0);
	say("STOPPING=1");
	draw(parts);
	return 0;
}
