/**
 * This package's folder, seen from its sources, from what the compiler makes of them, and from the program that is published: all
 * lie one folder below it, and so does this file.
 */
export const packageFolder: URL = new URL("../", import.meta.url);
