import { type AdapterDeps, createHttp, type Probe, type Proof } from "../../adapter.ts";
import type { ProbeDefinition } from "../../core/adapter.ts";
import { type Case, testProbe } from "../suites.ts";
import { type AcmeClient, acme, acmeClient, acmeDialect } from "./acme-client.ts";
import { acmeGates } from "./acme-harness.ts";
import { acmeGate } from "./acme-probe.ts";
import type { Wrong } from "./wrong-issuers.ts";

type Deps = AdapterDeps<AcmeClient>;
type Config = { seen: "open" | "closed" };

function probe(
  change: (right: Probe, deps: Deps) => Partial<Probe>,
  more: Partial<ProbeDefinition<Config, AcmeClient>> = {},
): readonly Case[] {
  return testProbe(
    {
      ...acmeGate,
      ...more,
      connect(config, deps) {
        const right = acmeGate.connect(config, deps);
        return { ...right, ...change(right, deps) };
      },
    },
    acmeGates,
  );
}

function client(connect: typeof acme.connect): readonly Case[] {
  // Whoever knows no deadline need not be waited for as long as others.
  return testProbe(acmeGate, { ...acmeGates, endlessMs: 500, vendor: { ...acme, connect } });
}

/** Probes, each wrong in one way. */
export const WRONG_PROBES: readonly Wrong[] = [
  [
    "refutes what it could not see",
    "look: nobody else's reply proves what is not so, or refutes it",
    probe((right) => ({
      async look() {
        const proof = await right.look();
        return proof.is === "unknown" ? { is: "refuted", trouble: proof.trouble } : proof;
      },
    })),
  ],
  [
    "believes any reply that is no refusal",
    "look: nobody else's reply proves anything",
    probe((right, { clock }) => ({
      async look() {
        const proof = await right.look();
        const answered = proof.is === "unknown" && proof.trouble.code === "VENDOR_REPLY_FOREIGN";
        return answered ? proved(clock.now()) : proof;
      },
    })),
  ],
  [
    "takes every reply with 200 for the vendor's own",
    "look: nobody else's reply proves what is not so, or refutes it",
    testProbe(
      {
        ...acmeGate,
        connect: (_config: Config, { client: status, clock }: AdapterDeps<() => Promise<boolean>>) => ({
          async look() {
            const answer = await status();
            return answer ? proved(clock.now()) : { is: "unknown", trouble: UNSEEN };
          },
        }),
      },
      {
        ...acmeGates,
        vendor: {
          ...acme,
          connect(options) {
            const http = createHttp({ ...acmeDialect, isOwn: () => true }, options);
            return async () => {
              const answer = await http({ method: "GET", route: "/gate", effect: "read", hidden: [] });
              return answer.is === "done";
            };
          },
        },
      },
    ),
  ],
  [
    "claims to refute, and leaves open",
    "refutes: what is not so is refuted where that is claimed, and never proved",
    probe((right) => ({
      async look() {
        const proof = await right.look();
        return proof.is === "refuted" ? { is: "unknown", trouble: proof.trouble } : proof;
      },
    })),
  ],
  [
    "refutes without claiming that it can",
    "refutes: what is not so is refuted where that is claimed, and never proved",
    probe(() => ({}), { capabilities: () => ({ refutes: false, ownShape: true }) }),
  ],
  [
    "remembers what it saw instead of looking",
    "refutes: what is not so is refuted where that is claimed, and never proved",
    probe((right) => {
      let seen: Proof | undefined;
      return {
        async look() {
          seen ??= await right.look();
          return seen;
        },
      };
    }),
  ],
  [
    "makes it so in order to prove it",
    "looking changes nothing",
    probe((right, { client: acmes }) => ({
      async look() {
        await acmes.turn("open");
        return right.look();
      },
    })),
  ],
  [
    "tells its proof with what lies beside it",
    "no value leaves: not in an outcome, a trouble, an error or a record of calls",
    probe((right, { client: acmes }) => ({
      async look() {
        const gate = await acmes.gate();
        const proof = await right.look();
        if (proof.is !== "proved" || gate.is !== "done") return proof;
        return { ...proof, says: `${proof.says}, noted ${gate.value.note.reveal()}` };
      },
    })),
  ],
  [
    "asks again at once when the vendor takes no calls",
    "look: a 429 is followed",
    probe((right) => ({
      async look() {
        const proof = await right.look();
        return proof.is === "unknown" && proof.trouble.code === "VENDOR_RATE_LIMITED" ? right.look() : proof;
      },
    })),
  ],
  [
    "knows no deadline",
    "look: silence ends at the deadline, and nothing is claimed",
    client((options) => acmeClient({ ...options, deadlineMs: 2_000_000 })),
  ],
];

const UNSEEN = {
  code: "VENDOR_REPLY_FOREIGN",
  message: "The gate did not answer",
  because: "nothing was seen",
  next: "lockstep interlock status <interlock>",
} as const;

function proved(at: string): Proof {
  return { is: "proved", at, says: "The gate answered" };
}
