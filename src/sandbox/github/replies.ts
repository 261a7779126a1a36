import type { GithubContext } from "./access.ts";

/** GitHub's timestamps carry whole seconds. */
export function stamp(at: number): string {
  return new Date(at).toISOString().replace(/\.\d{3}Z$/, "Z");
}

const USER_LINKS: Record<string, string> = {
  followers_url: "/followers",
  following_url: "/following{/other_user}",
  gists_url: "/gists{/gist_id}",
  starred_url: "/starred{/owner}{/repo}",
  subscriptions_url: "/subscriptions",
  organizations_url: "/orgs",
  repos_url: "/repos",
  events_url: "/events{/privacy}",
  received_events_url: "/received_events",
};

/** A user or organization, in short. */
export function userReply(api: string, login: string, id: number, type: "User" | "Organization" = "User") {
  const url = `${api}/users/${login}`;
  return {
    login,
    id,
    node_id: nodeId("U", id),
    avatar_url: `https://avatars.githubusercontent.com/u/${id}?v=4`,
    gravatar_id: "",
    url,
    html_url: `https://github.com/${login}`,
    ...linked(url, USER_LINKS),
    type,
    site_admin: false,
  };
}

/** `GET /user`. */
export function privateUserReply(api: string, login: string, id: number) {
  const zeroes = {
    public_repos: 0,
    public_gists: 0,
    followers: 0,
    following: 0,
    private_gists: 0,
    total_private_repos: 1,
    owned_private_repos: 0,
    disk_usage: 0,
    collaborators: 0,
  };
  const unset = {
    name: null,
    company: null,
    blog: null,
    location: null,
    email: null,
    hireable: null,
    bio: null,
  };
  const created = stamp(Date.UTC(2024, 0, 1));
  return {
    ...userReply(api, login, id),
    user_view_type: "private",
    ...unset,
    ...zeroes,
    created_at: created,
    updated_at: created,
    two_factor_authentication: true,
  };
}

/** Each link under a URL. */
export function linked(url: string, links: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(links).map(([name, tail]) => [name, url + tail]));
}

/** A GraphQL id; its form is GitHub's own affair. */
export function nodeId(kind: string, id: number): string {
  return `${kind}_${Buffer.from(String(id)).toString("base64url")}`;
}

/** Base URL for links in replies, as the client addressed this server. */
export function api(c: GithubContext): string {
  return new URL(c.req.url).origin;
}
