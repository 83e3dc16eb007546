import { describe, expect, test } from "vitest";
import { extractConfig, parseImageConfig } from "./extract-config.ts";

const bytesOf = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));

describe("the config of an image", () => {
  test.for([
    [undefined, '{"Entrypoint":null,"Cmd":null,"Env":null,"WorkingDir":"","User":""}'],
    [{}, '{"Entrypoint":null,"Cmd":null,"Env":null,"WorkingDir":"","User":""}'],
    [
      { User: "1000:1000", Cmd: [], Entrypoint: null, WorkingDir: "/srv", Env: ["A=1", "B=<&>"], Labels: { a: "b" } },
      '{"Entrypoint":null,"Cmd":[],"Env":["A=1","B=<&>"],"WorkingDir":"/srv","User":"1000:1000"}',
    ],
  ] as const)("of %j is kept as %s", ([value, json]) => {
    expect(extractConfig(value, "r").configJson).toBe(json);
  });

  test("says everything about how an image is run", () => {
    const { config } = extractConfig(
      {
        Entrypoint: ["/e"],
        Cmd: null,
        Env: [],
        WorkingDir: "/w",
        User: "u",
        Labels: { l: "1" },
        ExposedPorts: { "80/tcp": {}, "53/udp": {} },
        Volumes: { "/data": {} },
        StopSignal: "SIGINT",
        Shell: ["/bin/bash", "-c"],
        Healthcheck: { Test: ["CMD", "true"], Interval: 3e10, Retries: 3 },
        OnBuild: ["RUN true"],
      },
      "r",
    );
    expect(JSON.parse(JSON.stringify(config))).toEqual({
      entrypoint: ["/e"],
      cmd: null,
      env: [],
      workingDir: "/w",
      user: "u",
      labels: { l: "1" },
      exposedPorts: ["80/tcp", "53/udp"],
      volumes: ["/data"],
      stopSignal: "SIGINT",
      shell: ["/bin/bash", "-c"],
      healthcheck: { test: ["CMD", "true"], interval: 3e10, retries: 3 },
    });
  });

  test.for([[{ Entrypoint: "sh" }], [{ Env: [1] }], [{ Labels: { a: 1 } }], [[]], ["text"]] as const)(
    "of the wrong shape is refused: %j",
    ([value]) => {
      expect(() => extractConfig(value, "r.io/a")).toThrow(
        expect.objectContaining({
          code: "IMAGE_INVALID",
          message: expect.stringContaining("cannot use r.io/a: its config"),
        }),
      );
    },
  );

  test("names its platform by the specification's words", () => {
    const platformOf = (value: object) => parseImageConfig(bytesOf(value), "r").platform;
    expect(platformOf({ os: "linux", architecture: "x86_64" })).toEqual({ os: "linux", architecture: "amd64" });
    expect(platformOf({ os: "Linux", architecture: "arm", variant: "v6" })).toEqual({
      os: "linux",
      architecture: "arm",
      variant: "v6",
    });
    expect(platformOf({ os: "linux" })).toBeUndefined();
  });

  test.for([
    ["no JSON", new TextEncoder().encode("{")],
    ["no UTF-8", new Uint8Array([0x22, 0xff, 0x22])],
    ["a digest that is none", bytesOf({ rootfs: { diff_ids: ["sha256:1"] } })],
  ] as const)("is refused for %s", ([, bytes]) => {
    expect(() => parseImageConfig(bytes, "r")).toThrow(expect.objectContaining({ code: "IMAGE_INVALID" }));
  });
});
