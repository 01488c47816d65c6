/* An I2C bus with an SSD1306 of 128 by 64 pixels at 0x3c, in user space. UHID plays the HID side of a Microchip MCP2221 bridge, and
 * the kernel's hid-mcp2221 makes an I2C adapter of it, so a station meets a real /dev/i2c-N.
 *
 *   i2c-display STATE
 *
 * STATE is a folder, made here:
 *   display.pbm  what the display shows, rewritten after every transfer that reaches it
 *   transfers    how many of them there were
 *   nak          while it exists, nobody acknowledges on the bus, as with the display unplugged
 *   hang         while it exists, the bridge answers nothing
 * Scrolling, remapping and contrast are taken and change nothing. The bus goes with this process.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/input.h>
#include <linux/uhid.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define ADDRESS 0x3c
#define WIDTH 128
#define PAGES 8

static const char *state;

static void die(const char *what)
{
	fprintf(stderr, "i2c-display: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int have(const char *name)
{
	char path[512];
	snprintf(path, sizeof path, "%s/%s", state, name);
	return !access(path, F_OK);
}

static void save(const char *name, const void *data, size_t n)
{
	char path[512], fresh[520];
	snprintf(path, sizeof path, "%s/%s", state, name);
	snprintf(fresh, sizeof fresh, "%s.new", path);
	FILE *f = fopen(fresh, "wb");
	if (!f) die(fresh);
	fwrite(data, 1, n, f);
	fclose(f);
	rename(fresh, path);
}

/* --- the display --- */

enum { HORIZONTAL, VERTICAL, PAGE };
static struct {
	uint8_t ram[PAGES][WIDTH], mode, column, page, first_column, last_column, first_page, last_page, on, inverted, all_lit;
	uint8_t command[8];
	int have, need;
} d = { .mode = PAGE, .last_column = WIDTH - 1, .last_page = PAGES - 1 };

static int operands(uint8_t command)
{
	switch (command) {
	case 0x20: case 0x81: case 0x8d: case 0xa8: case 0xd3: case 0xd5: case 0xd9: case 0xda: case 0xdb: return 1;
	case 0x21: case 0x22: case 0xa3: return 2;
	case 0x26: case 0x27: return 6;
	case 0x29: case 0x2a: return 5;
	default: return 0;
	}
}

static void take_command(uint8_t byte)
{
	if (!d.have) d.need = operands(byte);
	d.command[d.have++] = byte;
	if (d.have <= d.need) return;
	const uint8_t *c = d.command;
	d.have = 0;
	if (c[0] == 0x20) d.mode = c[1] & 3;
	else if (c[0] == 0x21) d.first_column = d.column = c[1] & 127, d.last_column = c[2] & 127;
	else if (c[0] == 0x22) d.first_page = d.page = c[1] & 7, d.last_page = c[2] & 7;
	else if (c[0] == 0xa4 || c[0] == 0xa5) d.all_lit = c[0] & 1;
	else if (c[0] == 0xa6 || c[0] == 0xa7) d.inverted = c[0] & 1;
	else if (c[0] == 0xae || c[0] == 0xaf) d.on = c[0] & 1;
	else if (d.mode == PAGE && c[0] <= 0x0f) d.column = (d.column & 0xf0) | c[0];
	else if (d.mode == PAGE && c[0] <= 0x1f) d.column = ((c[0] & 7) << 4) | (d.column & 15);
	else if (d.mode == PAGE && c[0] >= 0xb0 && c[0] <= 0xb7) d.page = c[0] & 7;
}

static void take_data(uint8_t byte)
{
	d.ram[d.page & 7][d.column & 127] = byte;
	int column_ends = d.column == d.last_column, page_ends = d.page == d.last_page;
	if (d.mode == PAGE) d.column = (d.column + 1) & 127;
	else if (d.mode == HORIZONTAL) {
		d.column = column_ends ? d.first_column : d.column + 1;
		if (column_ends) d.page = page_ends ? d.first_page : d.page + 1;
	} else {
		d.page = page_ends ? d.first_page : d.page + 1;
		if (page_ends) d.column = column_ends ? d.first_column : d.column + 1;
	}
}

static void save_picture(void)
{
	static unsigned transfers;
	uint8_t p[16 + WIDTH * PAGES];
	char number[16];
	int n = sprintf((char *)p, "P4\n%d %d\n", WIDTH, PAGES * 8);
	memset(p + n, 0, WIDTH * PAGES);
	for (int y = 0; y < PAGES * 8; y++)
		for (int x = 0; x < WIDTH; x++) {
			int lit = d.on && (d.all_lit || ((d.ram[y / 8][x] >> (y % 8)) & 1) != d.inverted);
			if (!lit) p[n + (y * WIDTH + x) / 8] |= 0x80 >> (x % 8);   /* in PBM, set is black */
		}
	save("display.pbm", p, n + WIDTH * PAGES);
	save("transfers", number, sprintf(number, "%u\n", ++transfers));
}

static void display_write(const uint8_t *b, int n)
{
	for (int i = 0; i < n;) {
		uint8_t control = b[i++];
		do {
			if (i < n && control & 0x40) take_data(b[i++]);
			else if (i < n) take_command(b[i++]);
		} while (!(control & 0x80) && i < n);
	}
	save_picture();
}

/* --- the bridge: a command of 64 bytes, an answer of 64 bytes --- */

static const uint8_t report[] = { 0x06, 0x00, 0xff, 0x09, 0x01, 0xa1, 0x01, 0x09, 0x02, 0x15, 0x00, 0x26, 0xff, 0x00, 0x75, 0x08, 0x95,
	0x40, 0x81, 0x02, 0x09, 0x03, 0x15, 0x00, 0x26, 0xff, 0x00, 0x75, 0x08, 0x95, 0x40, 0x91, 0x02, 0xc0 };
static struct { uint8_t out[1 << 16]; int want, got, nak, to_read; } bus;

static int present(int address) { return address == ADDRESS && !have("nak"); }

static void bridge(const uint8_t *q, uint8_t *r)
{
	int length = q[1] | q[2] << 8, address = q[3] >> 1, n;
	r[0] = q[0];
	switch (q[0]) {
	case 0x10:                                             /* status, cancel, speed */
		if (q[2] == 0x10) bus.want = bus.got = bus.nak = 0;
		if (q[3] == 0x20) r[3] = 0x20;
		if (bus.nak) r[8] = 0x25, r[20] = 0x40;
		break;
	case 0x90: case 0x94:                                  /* write, in pieces of up to 60 bytes */
		if (bus.got >= bus.want) bus.want = length, bus.got = 0;
		n = bus.want - bus.got < 60 ? bus.want - bus.got : 60;
		memcpy(bus.out + bus.got, q + 4, n);
		bus.got += n;
		if (bus.got < bus.want) break;
		bus.nak = !present(address);
		if (!bus.nak) display_write(bus.out, bus.want);
		bus.want = bus.got = 0;
		break;
	case 0x91: case 0x93: bus.nak = !present(address), bus.to_read = length; break;
	case 0x40:                                             /* what was read: the display's status, 0x40 while it is off */
		if (bus.nak) { r[2] = 0x25; break; }
		n = bus.to_read < 60 ? bus.to_read : 60;
		memset(r + 4, d.on ? 0 : 0x40, n);
		bus.to_read -= n;
		r[2] = bus.to_read ? 0x54 : 0x55;
		r[3] = n;
		break;
	case 0x50: memcpy(r + 2, q + 2, 16); break;            /* four GPIO lines of its own, wired to nothing */
	case 0x51: for (int i = 0; i < 4; i++) r[3 + 2 * i] = 1; break;
	case 0x60: case 0x61: case 0xb0: break;                /* settings: all zero */
	default: r[1] = 1;
	}
}

int main(int count, char **arg)
{
	if (count != 2) { fprintf(stderr, "usage: i2c-display STATE\n"); return 2; }
	static struct uhid_event e, answer;
	state = arg[1];
	if (setpriority(PRIO_PROCESS, 0, -15)) die("priority"); /* devices do not wait for the station's computing */
	mkdir(state, 0755);
	int fd = open("/dev/uhid", O_RDWR);
	if (fd < 0) die("/dev/uhid");
	e.type = UHID_CREATE2;
	strcpy((char *)e.u.create2.name, "emulated I2C bridge");
	e.u.create2.rd_size = sizeof report;
	memcpy(e.u.create2.rd_data, report, sizeof report);
	e.u.create2.bus = BUS_USB, e.u.create2.vendor = 0x04d8, e.u.create2.product = 0x00dd, e.u.create2.version = 0x0100;
	if (write(fd, &e, sizeof e) < 0) die("UHID_CREATE2");
	for (;;) {
		ssize_t n = read(fd, &e, sizeof e);
		if (n < 0 && errno == EINTR) continue;
		if (n < 0) die("/dev/uhid");
		if (e.type != UHID_OUTPUT || have("hang")) continue;
		uint8_t q[64] = { 0 };
		memcpy(q, e.u.output.data, e.u.output.size < sizeof q ? e.u.output.size : sizeof q);
		memset(&answer, 0, sizeof answer);
		answer.type = UHID_INPUT2;
		answer.u.input2.size = sizeof q;
		bridge(q, answer.u.input2.data);
		if (write(fd, &answer, sizeof answer) < 0) die("UHID_INPUT2");
	}
}
