import type { Position } from "../../adapter.ts";
import type { InterlockHarness, IssuerHarness, ProbeHarness, StoreHarness } from "../suites.ts";
import { type AcmeClient, acme } from "./acme-client.ts";
import { ACCOUNT, acmeVendor, fieldsOf } from "./acme-vendor.ts";

/** What every world of Acme has. */
function door() {
  const vendor = acmeVendor();
  const access = vendor.mint("access of lockstep");
  const { clock, send, pass, refusal } = vendor;
  const credential = { token: access.token };
  return { vendor, common: { baseUrl: "https://acme.test", credential, clock, send, pass, refusal } };
}

/** What the issuers' suite is given. */
export const acmeKeys: IssuerHarness<{ account: string }, AcmeClient> = {
  vendor: acme,
  async world() {
    const { vendor, common } = door();
    const present = vendor.mint("billing 2026-08");
    const never = vendor.mint("never");
    vendor.keys.pop();
    return {
      ...common,
      config: { account: ACCOUNT },
      present: { id: present.id, values: { token: present.token } },
      stranger: { token: never.token },
      living: () => vendor.keys.map(({ id, token }) => ({ id, values: { token } })),
    };
  },
};

/** What the stores' suite is given. */
export const acmeSlots: StoreHarness<{ fields: string[] }, AcmeClient> = {
  vendor: acme,
  async world() {
    const { vendor, common } = door();
    return {
      ...common,
      config: { fields: ["key", "secret"] },
      targetId: "slot-7",
      next: fieldsOf("next"),
      other: fieldsOf("other"),
      held: () => vendor.state.slot,
      put: (values) => {
        vendor.state.slot = { ...values };
        vendor.state.version += 1;
      },
    };
  },
};

/** What the interlocks' suite is given. */
export const acmeSwitches: InterlockHarness<{ id: string }, AcmeClient> = {
  vendor: acme,
  async world() {
    const { vendor, common } = door();
    const { state, turn, gate } = vendor;
    return {
      ...common,
      config: { id: state.lever.id },
      targetId: state.lever.id,
      beside: { note: state.note },
      position: () => meaning(state.lever.stands),
      consulted: () => meaning(gate()),
      put: turn,
      jam: () => turn("half-way"),
    };
  },
};

/** What the probes' suite is given. */
export const acmeGates: ProbeHarness<{ seen: "open" | "closed" }, AcmeClient> = {
  vendor: acme,
  async world() {
    const { vendor, common } = door();
    return {
      ...common,
      config: { seen: "open" },
      beside: { note: vendor.state.note },
      put: (so) => vendor.turn(so ? "open" : "closed"),
      truth: () => JSON.stringify([vendor.keys, vendor.state]),
    };
  },
};

function meaning(text: string): Position | "unknown" {
  return text === "open" || text === "closed" ? text : "unknown";
}
