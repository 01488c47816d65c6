// Bundles to hand over: the demonstration's with another product and time, signed by a key of its own. Format: models/README.md.
import { createHash, generateKeyPairSync, sign } from "node:crypto";
import { readFileSync } from "node:fs";

const HEADER = 36;
const SIGNATURE = 64;

// Numbers of postcard: seven bits a byte, the lowest first.
const varint = (number) => {
  const bytes = [];
  for (let left = number; ; left = Math.floor(left / 128)) {
    if (left < 128) return Buffer.from([...bytes, left]);
    bytes.push((left % 128) + 128);
  }
};
const number = (bytes) => {
  const end = bytes.findIndex((byte) => byte < 128) + 1;
  return [bytes.subarray(0, end).reduceRight((sum, byte) => sum * 128 + (byte % 128), 0), end];
};

export const sealer = (path) => {
  const demo = readFileSync(path);
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  const raw = Buffer.from(publicKey.export({ format: "jwk" }).x, "base64url");
  const id = createHash("sha256").update(raw).digest().subarray(0, 8);
  const signed = (unsigned) => {
    const hash = createHash("sha256").update(unsigned).digest();
    return Buffer.concat([unsigned, sign(null, Buffer.concat([Buffer.from("draem-edge bundle signature v1\0\0"), hash]), privateKey)]);
  };
  return {
    publicKey: `draem-edge public key v1\n${raw.toString("hex")}\n`,
    id: id.toString("hex"),
    // For a product, made so many seconds later than the demonstration's. Name and time are the manifest's first fields.
    sealed(product, later) {
      const length = demo.readUInt32LE(20);
      const [letters, from] = number(demo.subarray(HEADER));
      const time = HEADER + from + letters;
      const [created, bytes] = number(demo.subarray(time));
      const name = Buffer.from(product);
      const manifest = Buffer.concat([varint(name.length), name, varint(created + later), demo.subarray(time + bytes, HEADER + length)]);
      const header = Buffer.from(demo.subarray(0, HEADER));
      id.copy(header, 12);
      header.writeUInt32LE(manifest.length, 20);
      return signed(Buffer.concat([header, manifest, demo.subarray(HEADER + length, demo.length - SIGNATURE)]));
    },
    // As a trainer would write it that has no key.
    unsigned(bundle) {
      return Buffer.from(bundle).fill(0, 12, 20).fill(0, bundle.length - SIGNATURE);
    },
  };
};
