/**
 * A source of which nobody has announced what is in it: its catalogs have no tags, and the names follow from its
 * repositories, all of which it knows. `Bundle` is one: a push makes the tags.
 */
export interface UnannouncedSource {
  readonly isUnannounced: true;
}
