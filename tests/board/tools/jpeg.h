/* Baseline JPEG of YUYV pictures, 4:2:2 and of full range, as cameras send them. Knows one quality, and the tables of the standard's
 * annex K. Whole numbers only: the emulated machine has no fast others. */
#include <stdint.h>
#include <string.h>

/* Annex K.1 at quality 95, row by row. */
static const uint8_t jpeg_quantum[2][64] = {
	{ 2, 1, 1, 2, 2, 4, 5, 6, 1, 1, 1, 2, 3, 6, 6, 6, 1, 1, 2, 2, 4, 6, 7, 6, 1, 2, 2, 3, 5, 9, 8, 6,
	  2, 2, 4, 6, 7, 11, 10, 8, 2, 4, 6, 6, 8, 10, 11, 9, 5, 6, 8, 9, 10, 12, 12, 10, 7, 9, 10, 10, 11, 10, 10, 10 },
	{ 2, 2, 2, 5, 10, 10, 10, 10, 2, 2, 3, 7, 10, 10, 10, 10, 2, 3, 6, 10, 10, 10, 10, 10, 5, 7, 10, 10, 10, 10, 10, 10,
	  10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10 },
};
static const uint8_t jpeg_zigzag[64] = { 0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13,
	6, 7, 14, 21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47,
	55, 62, 63 };

/* Annex K.3's luminance tables, used for all components: how many codes of each length, then the symbols. */
static const uint8_t jpeg_dc[16 + 12] = { 0, 1, 5, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 };
static const uint8_t jpeg_ac[16 + 162] = { 0, 2, 1, 3, 3, 2, 4, 3, 5, 5, 4, 4, 0, 0, 1, 0x7d,
	0x01, 0x02, 0x03, 0x00, 0x04, 0x11, 0x05, 0x12, 0x21, 0x31, 0x41, 0x06, 0x13, 0x51, 0x61, 0x07, 0x22, 0x71, 0x14, 0x32, 0x81, 0x91,
	0xa1, 0x08, 0x23, 0x42, 0xb1, 0xc1, 0x15, 0x52, 0xd1, 0xf0, 0x24, 0x33, 0x62, 0x72, 0x82, 0x09, 0x0a, 0x16, 0x17, 0x18, 0x19, 0x1a,
	0x25, 0x26, 0x27, 0x28, 0x29, 0x2a, 0x34, 0x35, 0x36, 0x37, 0x38, 0x39, 0x3a, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48, 0x49, 0x4a, 0x53,
	0x54, 0x55, 0x56, 0x57, 0x58, 0x59, 0x5a, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69, 0x6a, 0x73, 0x74, 0x75, 0x76, 0x77, 0x78, 0x79,
	0x7a, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8a, 0x92, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99, 0x9a, 0xa2, 0xa3, 0xa4, 0xa5,
	0xa6, 0xa7, 0xa8, 0xa9, 0xaa, 0xb2, 0xb3, 0xb4, 0xb5, 0xb6, 0xb7, 0xb8, 0xb9, 0xba, 0xc2, 0xc3, 0xc4, 0xc5, 0xc6, 0xc7, 0xc8, 0xc9,
	0xca, 0xd2, 0xd3, 0xd4, 0xd5, 0xd6, 0xd7, 0xd8, 0xd9, 0xda, 0xe1, 0xe2, 0xe3, 0xe4, 0xe5, 0xe6, 0xe7, 0xe8, 0xe9, 0xea, 0xf1, 0xf2,
	0xf3, 0xf4, 0xf5, 0xf6, 0xf7, 0xf8, 0xf9, 0xfa };

static struct { uint16_t code[256]; uint8_t length[256]; } jpeg_codes[2];
static struct { uint8_t *at, *end; uint32_t bits; int count; } jpeg_out;

static void jpeg_make_codes(int which, const uint8_t *table)
{
	const uint8_t *symbol = table + 16;
	for (int length = 1, code = 0; length <= 16; length++, code <<= 1)
		for (int i = 0; i < table[length - 1]; i++, symbol++) {
			jpeg_codes[which].code[*symbol] = code++;
			jpeg_codes[which].length[*symbol] = length;
		}
}

static void jpeg_byte(int byte) { if (jpeg_out.at < jpeg_out.end) *jpeg_out.at++ = byte; }

static void jpeg_bits(uint32_t value, int count)
{
	jpeg_out.bits = jpeg_out.bits << count | value;
	for (jpeg_out.count += count; jpeg_out.count >= 8; jpeg_out.count -= 8) {
		uint8_t byte = jpeg_out.bits >> (jpeg_out.count - 8);
		jpeg_byte(byte);
		if (byte == 0xff) jpeg_byte(0);
	}
}

/* A symbol of table `which`: `run` zeros, then `value` in its own bits. */
static void jpeg_value(int which, int run, int value)
{
	int size = value ? 32 - __builtin_clz(value < 0 ? -value : value) : 0, symbol = run << 4 | size;
	jpeg_bits(jpeg_codes[which].code[symbol], jpeg_codes[which].length[symbol]);
	if (size) jpeg_bits((value < 0 ? value - 1 : value) & ((1u << size) - 1), size);
}

/* Eight values through the DCT, `step` apart, scaled by the square root of 8; the factors have 12 bits behind the point. */
static void jpeg_dct(int *v, int step, int shift)
{
	static const int c[4][4] = { { 5681, 4816, 3218, 1130 }, { 4816, -1130, -5681, -3218 }, { 3218, -5681, 1130, 4816 }, { 1130, -3218, 4816, -5681 } };
	int sum[4], difference[4], half = 1 << (shift - 1);
	for (int i = 0; i < 4; i++) sum[i] = v[i * step] + v[(7 - i) * step], difference[i] = v[i * step] - v[(7 - i) * step];
	int outer = sum[0] + sum[3], inner = sum[1] + sum[2], slope = sum[0] - sum[3], waist = sum[1] - sum[2];
	v[0] = ((outer + inner) * 4096 + half) >> shift;
	v[4 * step] = ((outer - inner) * 4096 + half) >> shift;
	v[2 * step] = (slope * 5352 + waist * 2217 + half) >> shift;
	v[6 * step] = (slope * 2217 - waist * 5352 + half) >> shift;
	for (int k = 0; k < 4; k++) {
		int all = half;
		for (int i = 0; i < 4; i++) all += c[k][i] * difference[i];
		v[(2 * k + 1) * step] = all >> shift;
	}
}

/* The value of full range for one of limited range, less 128: of luma, of chroma. */
static int8_t jpeg_full[2][256];

static void jpeg_make_full(void)
{
	for (int i = 0; i < 256; i++)
		for (int chroma = 0; chroma < 2; chroma++) {
			int v = chroma ? ((i - 128) * 510 + 128 * 448 + 224) / 448 - 128 : ((i - 16) * 510 + 16 * 438 + 219) / 438 - 16 - 128;
			jpeg_full[chroma][i] = v < -128 ? -128 : v > 127 ? 127 : v;
		}
}

/* A block whose pixels are `step` bytes apart and its rows `stride`. Returns its first coefficient. */
static int jpeg_block(const uint8_t *pixels, int step, int stride, int chroma, int before)
{
	const uint8_t *quantum = jpeg_quantum[chroma];
	int v[64], run = 0, first = 0;
	for (int i = 0; i < 64; i++) v[i] = jpeg_full[chroma][pixels[i / 8 * stride + i % 8 * step]];
	for (int i = 0; i < 8; i++) jpeg_dct(v + 8 * i, 1, 9);
	for (int i = 0; i < 8; i++) jpeg_dct(v + i, 8, 12);
	for (int i = 0; i < 64; i++) {
		int at = jpeg_zigzag[i], scale = quantum[at] * 64; /* the square root of 8 twice, and three bits of the first pass */
		int value = (v[at] < 0 ? v[at] - scale / 2 : v[at] + scale / 2) / scale;
		if (i == 0) jpeg_value(0, 0, (first = value) - before);
		else if (!value) run++;
		else {
			for (; run > 15; run -= 16) jpeg_value(1, 15, 0);
			jpeg_value(1, run, value);
			run = 0;
		}
	}
	if (run) jpeg_value(1, 0, 0);
	return first;
}

/* Writes a file of at most `room` bytes and returns its length. Width must be a multiple of 16, height of 8. */
static uint32_t jpeg(const uint8_t *yuyv, int width, int height, uint8_t *out, uint32_t room)
{
	const uint8_t frame[] = { 0xff, 0xc0, 0, 17, 8, height >> 8, height, width >> 8, width, 3, 1, 0x21, 0, 2, 0x11, 1, 3, 0x11, 1 };
	static const uint8_t scan[] = { 0xff, 0xda, 0, 12, 3, 1, 0, 2, 0, 3, 0, 0, 63, 0 };
	int before[3] = { 0 }, stride = width * 2;
	jpeg_out.at = out, jpeg_out.end = out + room, jpeg_out.bits = jpeg_out.count = 0;
	jpeg_make_full();
	jpeg_byte(0xff), jpeg_byte(0xd8);
	for (int k = 0; k < 2; k++) {
		jpeg_byte(0xff), jpeg_byte(0xdb), jpeg_byte(0), jpeg_byte(67), jpeg_byte(k);
		for (int i = 0; i < 64; i++) jpeg_byte(jpeg_quantum[k][jpeg_zigzag[i]]);
	}
	for (size_t i = 0; i < sizeof frame; i++) jpeg_byte(frame[i]);
	for (int k = 0; k < 2; k++) {
		const uint8_t *table = k ? jpeg_ac : jpeg_dc;
		int n = k ? sizeof jpeg_ac : sizeof jpeg_dc;
		jpeg_byte(0xff), jpeg_byte(0xc4), jpeg_byte(0), jpeg_byte(3 + n), jpeg_byte(k << 4);
		for (int i = 0; i < n; i++) jpeg_byte(table[i]);
		jpeg_make_codes(k, table);
	}
	for (size_t i = 0; i < sizeof scan; i++) jpeg_byte(scan[i]);
	for (int y = 0; y < height; y += 8)
		for (int x = 0; x < width; x += 16) {
			const uint8_t *corner = yuyv + y * stride + x * 2;
			before[0] = jpeg_block(corner, 2, stride, 0, before[0]);
			before[0] = jpeg_block(corner + 16, 2, stride, 0, before[0]);
			before[1] = jpeg_block(corner + 1, 4, stride, 1, before[1]);
			before[2] = jpeg_block(corner + 3, 4, stride, 1, before[2]);
		}
	jpeg_bits(0x7f, 7);
	jpeg_byte(0xff), jpeg_byte(0xd9);
	return jpeg_out.at - out;
}
