const tell = (what = "", facts = {}) =>
  fetch("URL" + what, {
    method: "POST",
    body: JSON.stringify(facts),
    signal: AbortSignal.timeout(10_000),
  }).catch((error) => console.warn("Vigil was not told:", error.message));

await tell("/start");
try {
  const { items, tokens, cost } = await run();
  await tell("", { items, tokens, cost, model: "text-embedding-3-small" });
} catch (error) {
  await tell("/fail", { error: String(error) });
  throw error;
}
