/** One field that an operator types or pastes. */
export interface TaskField {
  readonly name: string;
  /** What stands before the prompt: `Token`. */
  readonly label: string;
  /** A regular expression that the text must match as a whole; its source may be shown, the text never. */
  readonly shape?: string;
}

/** What an operator step asks of a person. No part of it holds a value. */
export type Task = TaskText &
  (
    | { readonly kind: "confirm" }
    | { readonly kind: "checklist"; readonly items: readonly string[] }
    /** The person types this text to show that it was read. */
    | { readonly kind: "typed"; readonly text: string }
    /** The person supplies a value: read without echo, sealed at once. */
    | { readonly kind: "value"; readonly fields: readonly TaskField[] }
    /** The person takes the run's new value to a place that Lockstep cannot write; the reveal is audited. */
    | { readonly kind: "carry"; readonly value: "pending" | "old"; readonly command: readonly string[] }
  );

interface TaskText {
  /** What the person is to do, in one line. */
  readonly title: string;
  /** The way there, a line each: pages, commands, what to check. */
  readonly lines: readonly string[];
}
