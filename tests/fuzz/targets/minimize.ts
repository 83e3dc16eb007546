/** The most trials one input is made smaller with. */
const maxTrials = 3000;

/** A smaller input that still `fails`: pieces are taken out as long as one can be, large ones first; then characters are made plain. */
export async function minimized(input: string, fails: (input: string) => Promise<boolean>): Promise<string> {
  let smallest = input;
  let trials = 0;
  const isTaken = async (candidate: string) => {
    if (candidate === smallest || trials >= maxTrials) return false;
    trials += 1;
    if (!(await fails(candidate))) return false;
    smallest = candidate;
    return true;
  };
  for (let length = Math.ceil(input.length / 2); length > 0; ) {
    let hasShrunk = false;
    for (let at = 0; at < smallest.length; ) {
      if (await isTaken(smallest.slice(0, at) + smallest.slice(at + length))) hasShrunk = true;
      else at += length;
    }
    if (!hasShrunk || length > smallest.length) length = length === 1 ? 0 : Math.floor(length / 2);
  }
  for (let at = 0; at < Math.min(smallest.length, 200); at += 1) {
    if (smallest[at] !== "a") await isTaken(`${smallest.slice(0, at)}a${smallest.slice(at + 1)}`);
  }
  return smallest;
}
