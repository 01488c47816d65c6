/* A USB camera in user space: vhci-hcd is handed a socket to "a remote USB device", and this program is that device, a UVC 1.0
 * camera with one bulk endpoint. The kernel side is its own uvcvideo, so a station meets a real /dev/videoN.
 *
 *   usb-camera WIDTH HEIGHT FPS FILE STATE
 *
 * FILE holds YUYV pictures, one behind the other; the host may have them as they are or as MJPG. STATE is a folder, made here:
 *   picture   four bytes, the number of the picture that the camera looks at, read as each frame begins; meant to be mapped
 *   controls  every control as set by the host, "NAME VALUE" lines, rewritten at each change
 *   silent    while it exists, no frame comes
 *   still     while it exists, the last frame comes again and again; otherwise a sensor's noise lies on some pixels, one bit of it
 *   error     while it exists, frames are marked as damaged
 *   unplug    while it exists, the camera is not plugged in
 * The picture is the only thing it looks at: exposure and gain are kept and change nothing. It ends with its process.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "jpeg.h"

#define PAYLOAD 16384 /* bytes of one transfer: two of header, the rest of picture */
#define URBS 256      /* transfers that the kernel may have queued; it queues five */
#define NOISY 4096    /* pixels of a frame that carry noise: enough for two JPEG files never to be the same */
#define EP_IN 0x81
enum { YUYV = 1, MJPG = 2 }; /* numbers of the formats in the descriptors */
enum { SUBMIT = 1, UNLINK = 2, SUBMITTED = 3, UNLINKED = 4 };
struct header { uint32_t command, seqnum, devid, direction, ep, arg[7]; };

static const char *state;
static int sock = -1;
static uint32_t width, height, fps, size, pictures;
static const uint8_t *file;
static const volatile uint32_t *picture;
static uint8_t device[18], config[256];
static int config_len, format = YUYV;

/* entity, selector, bytes, then what the host may ask for. The exposure mode is a set of bits: 1 manual, 8 automatic. */
static struct { const char *name; uint8_t unit, selector, bytes; int32_t min, max, step, def, now; } controls[] = {
	{ "exposure-mode", 1, 0x02, 1, 1, 8, 9, 8, 8 },        { "exposure", 1, 0x04, 4, 1, 5000, 1, 156, 156 },
	{ "brightness", 3, 0x02, 2, -64, 64, 1, 0, 0 },        { "gain", 3, 0x04, 2, 0, 100, 1, 16, 16 },
	{ "white-balance", 3, 0x0a, 2, 2800, 6500, 1, 4600, 4600 }, { "white-balance-auto", 3, 0x0b, 1, 0, 1, 1, 1, 1 },
};
#define CONTROLS (sizeof controls / sizeof *controls)

static int have(const char *name)
{
	char path[512];
	snprintf(path, sizeof path, "%s/%s", state, name);
	return !access(path, F_OK);
}

static void die(const char *what)
{
	fprintf(stderr, "usb-camera: %s: %s\n", what, strerror(errno));
	exit(1);
}

static double now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

#define L16(x) (uint8_t)(x), (uint8_t)((x) >> 8)
#define L32(x) L16(x), (uint8_t)((x) >> 16), (uint8_t)((x) >> 24)
#define D(...) do { const uint8_t d[] = { __VA_ARGS__ }; memcpy(config + config_len, d, sizeof d); config_len += sizeof d; } while (0)
static void descriptors(void)
{
	const uint8_t d[18] = { 18, 1, L16(0x0200), 0xef, 2, 1, 64, L16(0x1d6b), L16(0x0102), L16(0x0100), 1, 2, 3, 1 };
	uint32_t interval = 10000000 / fps, rate = size * 8 * fps;
	memcpy(device, d, sizeof d);
	D(9, 2, 0, 0, 2, 1, 0, 0x80, 50);
	D(8, 11, 0, 2, 14, 3, 0, 2);                                              /* two interfaces, one function */
	D(9, 4, 0, 0, 0, 14, 1, 0, 2);                                            /* control */
	D(13, 0x24, 1, L16(0x0100), L16(13 + 17 + 11 + 9), L32(48000000), 1, 1);
	D(17, 0x24, 2, 1, L16(0x0201), 0, 0, L16(0), L16(0), L16(0), 2, L16(0x000a)); /* unit 1: lens and sensor */
	D(11, 0x24, 5, 3, 1, L16(0), 2, L16(0x1241), 0);                          /* unit 3: processing */
	D(9, 0x24, 3, 2, L16(0x0101), 0, 3, 0);                                   /* unit 2: to USB */
	D(9, 4, 1, 0, 1, 14, 2, 0, 0);                                            /* streaming */
	D(15, 0x24, 1, 2, L16(15 + 27 + 30 + 11 + 30), EP_IN, 0, 2, 0, 0, 0, 1, 0, 0);
	D(27, 0x24, 4, YUYV, 1, 'Y', 'U', 'Y', '2', 0, 0, 0x10, 0, 0x80, 0, 0, 0xaa, 0, 0x38, 0x9b, 0x71, 16, 1, 0, 0, 0, 0);
	D(30, 0x24, 5, 1, 0, L16(width), L16(height), L32(rate), L32(rate), L32(size), L32(interval), 1, L32(interval));
	D(11, 0x24, 6, MJPG, 1, 0, 1, 0, 0, 0, 0);
	D(30, 0x24, 7, 1, 0, L16(width), L16(height), L32(rate), L32(rate), L32(size), L32(interval), 1, L32(interval));
	D(7, 5, EP_IN, 2, L16(512), 0);
	config[2] = config_len;
	config[3] = config_len >> 8;
}

static int string(int which, uint8_t *b)
{
	static const char *text[] = { 0, "draem-edge", "Emulated line camera", "1" };
	if (which == 0) return memcpy(b, "\4\3\x09\x04", 4), 4;
	if (which > 3) return -1;
	b[0] = 2 + 2 * strlen(text[which]);
	b[1] = 3;
	for (int i = 0; text[which][i]; i++) b[2 + 2 * i] = text[which][i], b[3 + 2 * i] = 0;
	return b[0];
}

static void write_controls(void)
{
	char path[512], fresh[520];
	snprintf(path, sizeof path, "%s/controls", state);
	snprintf(fresh, sizeof fresh, "%s.new", path);
	FILE *f = fopen(fresh, "w");
	if (!f) die(fresh);
	for (size_t i = 0; i < CONTROLS; i++) fprintf(f, "%s %d\n", controls[i].name, controls[i].now);
	fclose(f);
	rename(fresh, path);
}

/* A request for a control of a unit. Returns the answer's length, or -1 to refuse. */
static int control_value(int unit, int selector, int request, uint8_t *b)
{
	for (size_t i = 0; i < CONTROLS; i++) {
		if (controls[i].unit != unit || controls[i].selector != selector) continue;
		int n = controls[i].bytes;
		int32_t v;
		switch (request) {
		case 0x01:
			v = n == 1 ? b[0] : n == 2 ? (int16_t)(b[0] | b[1] << 8) : b[0] | b[1] << 8 | b[2] << 16 | b[3] << 24;
			controls[i].now = v;
			write_controls();
			return 0;
		case 0x81: v = controls[i].now; break;
		case 0x82: v = controls[i].min; break;
		case 0x83: v = controls[i].max; break;
		case 0x84: v = controls[i].step; break;
		case 0x87: v = controls[i].def; break;
		case 0x85: return b[0] = n, b[1] = 0, 2;
		case 0x86: return b[0] = 3, 1;
		default: return -1;
		}
		const uint8_t d[4] = { L32(v) };
		return memcpy(b, d, n), n;
	}
	return -1;
}

/* A control transfer. Returns the answer's length, or -1 to stall. */
static int control(const uint8_t *setup, uint8_t *b)
{
	int type = setup[0], request = setup[1], value = setup[2] | setup[3] << 8, index = setup[4] | setup[5] << 8;
	if ((type & 0x60) == 0) switch (request) {
	case 6:
		if (value >> 8 == 1) return memcpy(b, device, sizeof device), (int)sizeof device;
		if (value >> 8 == 2) return memcpy(b, config, config_len), config_len;
		return value >> 8 == 3 ? string(value & 255, b) : -1;
	case 0: return b[0] = b[1] = 0, 2;
	case 8: return b[0] = 1, 1;
	case 1: case 3: case 5: case 9: case 11: return 0;
	default: return -1;
	}
	if ((type & 0x60) != 0x20) return -1;
	if ((index & 255) == 0) return control_value(index >> 8, value >> 8, request, b);
	if (value >> 8 != 1 && value >> 8 != 2) return -1;
	const uint8_t only[26] = { L16(1), format, 1, L32(10000000 / fps), L16(0), L16(0), L16(0), L16(0), L16(0), L32(size), L32(PAYLOAD) };
	switch (request) {
	case 0x01: return format = b[2] == MJPG ? MJPG : YUYV, 0; /* of the rest there is one, whatever is asked for */
	case 0x81: case 0x82: case 0x83: case 0x87: return memcpy(b, only, sizeof only), (int)sizeof only;
	case 0x85: return b[0] = sizeof only, b[1] = 0, 2;
	case 0x86: return b[0] = 3, 1;
	default: return -1;
	}
}

/* Reads or writes all of it. False when the kernel has closed its end. */
static int whole(int writing, void *data, size_t n)
{
	for (char *p = data; n;) {
		ssize_t k = writing ? write(sock, p, n) : read(sock, p, n);
		if (k < 0 && errno == EINTR) continue;
		if (k <= 0) return 0;
		p += k;
		n -= k;
	}
	return 1;
}

static int answer(uint32_t seq, int status, const void *data, int length, int in)
{
	static uint8_t one[sizeof(struct header) + (1 << 16)]; /* header and data in one write: half the wake-ups */
	struct header h = { .command = htonl(SUBMITTED), .seqnum = htonl(seq), .arg = { htonl(status), htonl(length) } };
	int n = in ? length : 0;
	memcpy(one, &h, sizeof h);
	if (n) memcpy(one + sizeof h, data, n);
	return whole(1, one, sizeof h + n);
}

static struct { uint32_t seq; int length; } urb[URBS];
static int urbs, sending; /* sending: a frame has begun */
static void drop(int i) { memmove(urb + i, urb + i + 1, (--urbs - i) * sizeof *urb); }

/* One message of the kernel's. False when it has closed its end. */
static int listen_to_host(void)
{
	static uint8_t data[1 << 16];
	struct header h;
	if (!whole(0, &h, sizeof h)) return 0;
	uint32_t seq = ntohl(h.seqnum);
	if (ntohl(h.command) == UNLINK) {
		struct header r = { .command = htonl(UNLINKED), .seqnum = htonl(seq) };
		sending = 0;                                         /* the stream stops */
		for (int i = 0; i < urbs; i++)
			if (urb[i].seq == ntohl(h.arg[0])) { drop(i); r.arg[0] = htonl(-ECONNRESET); break; }
		return whole(1, &r, sizeof r);
	}
	int in = ntohl(h.direction), length = ntohl(h.arg[1]);
	const uint8_t *setup = (const uint8_t *)&h.arg[5];
	if (length < 0 || length > (int)sizeof data) { errno = EMSGSIZE; die("transfer"); }
	if (!in && length && !whole(0, data, length)) return 0;
	if (ntohl(h.ep) != 0) {
		if (urbs == URBS) { errno = ENOBUFS; die("transfer"); }
		urb[urbs].seq = seq;
		urb[urbs++].length = length;
		return 1;
	}
	int n = control(setup, data), want = setup[6] | setup[7] << 8;
	if (n < 0) return answer(seq, -EPIPE, 0, 0, 0);
	return in ? answer(seq, 0, data, n < want ? n : want, 1) : answer(seq, 0, 0, length, 0);
}

/* What the sensor sees now, in the format that the host wants. Returns its bytes. */
static uint32_t expose(uint8_t *frame)
{
	static uint8_t *seen;
	static uint32_t chance = 1, bytes, as;
	uint32_t n = *picture;
	if (bytes && (int)as == format && have("still")) return bytes;
	if (!seen && !(seen = malloc(size))) die("memory");
	memcpy(seen, file + (size_t)(n < pictures ? n : 0) * size, size);
	for (int i = 0; i < NOISY; i++) {
		chance ^= chance << 13, chance ^= chance >> 17, chance ^= chance << 5;
		seen[chance % size & ~1u] ^= 1;
	}
	as = format;
	if (as == MJPG) return bytes = jpeg(seen, width, height, frame, size);
	memcpy(frame, seen, size);
	return bytes = size;
}

/* From plugging in to unplugging. */
static void stream(void)
{
	static uint8_t out[PAYLOAD];
	static uint8_t *frame;
	uint8_t mark = 0, damaged = 0;
	uint32_t sent = 0, bytes = 0;
	double next = 0;
	if (!frame && !(frame = malloc(size))) die("memory");
	for (urbs = sending = 0; !have("unplug");) {
		double t = now();
		if (urbs && !sending && t >= next) {
			next = (next < t - 0.5 ? t : next) + 1.0 / fps;
			if (!have("silent")) {
				bytes = expose(frame);
				sending = 1, sent = 0, mark ^= 1, damaged = have("error") ? 0x40 : 0;
			}
		}
		struct pollfd p = { .fd = sock, .events = POLLIN };
		int wait = !urbs ? 100 : sending ? 0 : (int)((next - t) * 1000) + 1;
		if (poll(&p, 1, wait) > 0) {
			if (!listen_to_host()) break;
			continue;
		}
		if (!sending || !urbs) continue;
		uint32_t room = (urb[0].length < PAYLOAD ? urb[0].length : PAYLOAD) - 2, left = bytes - sent, n = left < room ? left : room;
		int last = n == left && (n + 2) % 512;    /* a full packet cannot end a frame: an empty payload follows it */
		out[0] = 2;
		out[1] = 0x80 | mark | (last ? 2 : 0) | damaged;
		memcpy(out + 2, frame + sent, n);
		sent += n;
		uint32_t seq = urb[0].seq;
		drop(0);
		if (!answer(seq, 0, out, n + 2, 1)) break;
		if (last || n == 0) sending = 0;
	}
}

static void plug_in(void)
{
	int pair[2], big = 1 << 20;
	char line[64];
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair)) die("socketpair");
	sock = pair[0];
	setsockopt(sock, SOL_SOCKET, SO_SNDBUF, &big, sizeof big);
	int n = snprintf(line, sizeof line, "0 %d %d 3", pair[1], 0x10002);  /* port, socket, device id, high speed */
	for (int tries = 50;; usleep(100000)) {                               /* the port is busy until the last device has gone */
		int fd = open("/sys/devices/platform/vhci_hcd.0/attach", O_WRONLY);
		if (fd >= 0 && write(fd, line, n) == n) { close(fd); break; }
		if (fd < 0 || !--tries) die("vhci_hcd attach");
		close(fd);
	}
	close(pair[1]);
}

int main(int count, char **arg)
{
	if (count != 6) { fprintf(stderr, "usage: usb-camera WIDTH HEIGHT FPS FILE STATE\n"); return 2; }
	width = atoi(arg[1]), height = atoi(arg[2]), fps = atoi(arg[3]), size = width * height * 2, state = arg[5];
	struct stat s;
	int fd = open(arg[4], O_RDONLY);
	if (fd < 0 || fstat(fd, &s)) die(arg[4]);
	pictures = s.st_size / size;
	if (!pictures || s.st_size % size) { fprintf(stderr, "usb-camera: %s holds no whole number of pictures\n", arg[4]); return 1; }
	file = mmap(0, s.st_size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
	if (file == MAP_FAILED) die(arg[4]);
	char path[512];
	mkdir(state, 0755);
	snprintf(path, sizeof path, "%s/picture", state);
	fd = open(path, O_RDWR | O_CREAT, 0644);
	if (fd < 0 || ftruncate(fd, sizeof *picture)) die(path);
	picture = mmap(0, sizeof *picture, PROT_READ, MAP_SHARED, fd, 0);
	if (picture == MAP_FAILED) die(path);
	signal(SIGPIPE, SIG_IGN);
	if (setpriority(PRIO_PROCESS, 0, -15)) die("priority"); /* devices do not wait for the station's computing */
	descriptors();
	write_controls();
	for (;;) {
		while (have("unplug")) usleep(50000);
		plug_in();
		stream();
		close(sock);
	}
}
