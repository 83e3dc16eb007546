import { type Document, type DocumentOptions, Lexer, type ParseOptions, parseDocument, type SchemaOptions } from "yaml";

/** How many words and signs a file may have, gaps among them: more than any sensible one. The reader makes objects of each. */
const maxLexemes = 400_000;

/**
 * The one document of a YAML file. What is no YAML is among its errors.
 * @throws SyntaxError for more words and signs than are read
 */
export function parseBoundedYaml(
  text: string,
  options: ParseOptions & DocumentOptions & SchemaOptions,
): Document.Parsed {
  let lexemes = 0;
  for (const _ of new Lexer().lex(text)) {
    lexemes += 1;
    if (lexemes > maxLexemes) throw new SyntaxError(`it has more than ${maxLexemes} words and signs`);
  }
  return withoutTraces(() => parseDocument(text, options));
}

/** There may be as many errors as characters; to note for each where the reader found it would cost more than all the rest. */
function withoutTraces<Result>(work: () => Result): Result {
  const { stackTraceLimit } = Error;
  Reflect.set(Error, "stackTraceLimit", 0); // left as it is where that is forbidden
  try {
    return work();
  } finally {
    Reflect.set(Error, "stackTraceLimit", stackTraceLimit);
  }
}
