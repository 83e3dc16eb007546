import { expect, test } from "vitest";
import { Streebog256 } from "./streebog.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const filled = (length: number) => Uint8Array.from({ length }, (_, at) => (at * 31 + 7) & 0xff);

test.for([
  {
    name: "the first example of RFC 6986",
    message: bytes(`${"0123456789".repeat(6)}012`),
    digest: "9d151eefd8590b89daa6ba6cb74af9275dd051026bb149a452fd84e5e57b5500",
  },
  {
    name: "the second example of RFC 6986, which is longer than a block",
    message: Uint8Array.from(
      Buffer.from(
        "d1e520e2e5f2f0e82c20d1f2f0e8e1eee6e820e2edf3f6e82c20e2e5fef2fa20f120eceef0ff20f1f2f0e5ebe0ece820ede020f5f0e0e1f0fbff20efebfaeafb20c8e3eef0e5e2fb",
        "hex",
      ),
    ),
    digest: "9dd2fe4e90409e5da87f53976d7405b0c0cac628fc669a741d50063c557e8f50",
  },
  {
    name: "nothing",
    message: new Uint8Array(0),
    digest: "3f539a213e97c802cc229d474c6aa32a825a360b2a933a949fd925208d9ce1bb",
  },
  {
    name: "63 bytes as gost12sum does",
    message: filled(63),
    digest: "dc508c84deda1fd92d8a3b50055e4aaf6972874f33e0a73866e73302d4abb9e7",
  },
  {
    name: "64 bytes as gost12sum does",
    message: filled(64),
    digest: "ff1b7926d7dbed985e429f60e389adf4e12aa0f99c05afb4311a1e20b6e8cfa4",
  },
  {
    name: "65 bytes as gost12sum does",
    message: filled(65),
    digest: "08bf0fff1e7a88bff9d0f549252813043782cb90098722f7ef78c5bda812c83e",
  },
  {
    name: "128 bytes as gost12sum does",
    message: filled(128),
    digest: "7047359f23ea7d850595d34cc3b94168219d1192022ffb6444d45d1f9f32826e",
  },
  {
    name: "200000 bytes as gost12sum does",
    message: filled(200000),
    digest: "e26fb10813aeed8d3b1ad5176f4ce22880279cc8a6c72cb59ad7c7fe9347f19c",
  },
])("hashes $name", ({ message, digest }) => {
  expect(new Streebog256().update(message).digestHex()).toBe(digest);
});

test("hashes the same whatever the pieces it is given in", () => {
  const message = filled(1000);
  const whole = new Streebog256().update(message).digestHex();
  for (const step of [1, 7, 63, 64, 65, 129]) {
    const hash = new Streebog256();
    for (let at = 0; at < message.length; at += step) hash.update(message.subarray(at, at + step));
    expect(hash.digestHex()).toBe(whole);
  }
});
