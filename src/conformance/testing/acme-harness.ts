import type { IssuerHarness, StoreHarness } from "../suites.ts";
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
