import { setFlagsFromString } from "node:v8";

// What this program allocates dies young. Without these, V8 lets its heap grow by 100 MiB that nothing else can have; they
// count only before there is much in it, so this is set before anything else is loaded.
setFlagsFromString("--semi-space-growth-factor=1");
setFlagsFromString("--heap-growing-percent=30");
