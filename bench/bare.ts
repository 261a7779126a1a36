// Makes the requests of its argument without credentials, each once so many others have been answered, and prints the milliseconds.
const [given = "[]"] = process.argv.slice(2);
const requests = JSON.parse(given) as readonly { readonly url: string; readonly after: number }[];
const answered: Promise<void>[] = [];
const since = performance.now();
for (const { url, after } of requests) {
  // Those that it waits for stand before it: the list is in the order of the answers.
  answered.push(Promise.all(answered.slice(0, after)).then(() => get(url)));
}
await Promise.all(answered);
console.log(Math.round(performance.now() - since));

async function get(url: string): Promise<void> {
  await (await fetch(url)).arrayBuffer();
}
