#!/usr/bin/env node
import "./heap.ts";

await import("./run.ts"); // loaded once the heap is set up
