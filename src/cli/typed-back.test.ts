import { describe, expect, it } from "vitest";
import { typedBack } from "./typed-back.ts";

const LIST = ["heroku api KEY", "heroku api KEY_2", "sessions (SRE, ops)"];

describe("a list that is typed back", () => {
  it.each<[typed: string, missing: readonly string[], besides: string]>([
    ["heroku api KEY, heroku api KEY_2, sessions (SRE, ops)", [], ""],
    ["sessions (SRE, ops),\n heroku  api KEY_2 , heroku api KEY", [], ""],
    ["heroku api KEY_2, sessions (SRE, ops)", ["heroku api KEY"], ""],
    ["", LIST, ""],
    ["yes", LIST, "yes"],
    ["heroku api KEY, heroku api KEY_2, sessions (SRE, ops), and more", [], "and more"],
    ["heroku api key, heroku api KEY_2, sessions (SRE, ops)", ["heroku api KEY"], "heroku api key"],
  ])("[X-12] %j", (typed, missing, besides) => {
    expect(typedBack(LIST, typed)).toEqual({ missing, besides });
  });
});
