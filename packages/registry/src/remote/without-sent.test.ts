import { expect, test } from "vitest";
import { basicHeader } from "./auth/basic.ts";
import { withoutSent } from "./without-sent.ts";

const basic = basicHeader({ username: "robot", password: 'p@ss:"w/ü' });

test.for([
  ["Bearer t0ken.of-mine", "the token t0ken.of-mine has ended", "the token … has ended"],
  ["Bearer a+b/c==", "unknown: a%2Bb%2Fc%3D%3D", "unknown: …"],
  [basic, `no such user: ${basic.slice(6)}`, "no such user: …"],
  [basic, 'robot:p@ss:"w/ü is nobody', "… is nobody"],
  [basic, 'robot may not come in with p@ss:"w/ü', "robot may not come in with …"],
  [basic, "robot may not come in with p%40ss%3A%22w%2F%C3%BC", "robot may not come in with …"],
  [basic, String.raw`{"password":"p@ss:\"w/ü"}`, '{"password":"…"}'],
  [basicHeader({ username: "me", password: "a" }), "a name and a password", "a name and a password"],
  [basicHeader({ username: "robot", password: "" }), "a robot", "a robot"],
  [undefined, "nobody asked", "nobody asked"],
] as const)("of what was sent as %s, %s is told as %s", ([sent, text, told]) => {
  expect(withoutSent(text, sent)).toBe(told);
});
