// Hands what pages ask of navigator.credentials to mfalab, and mfalab's answers to Chromium.
//
// Chromium itself has checked what pages may ask. Each browser context has a worker of its own.

importScripts("address.js"); // BRIDGE: where mfalab listens, its secret token included

const proxy = chrome.webAuthenticationProxy;
const worker = crypto.randomUUID(); // request IDs are unique within one profile only
const owners = new Map(); // request ID -> the document that asked

async function tell(what, message) {
  const body = JSON.stringify({ worker, ...message });
  const response = await fetch(`${BRIDGE}/${what}`, { method: "POST", body });
  if (!response.ok) throw new Error(`mfalab answered ${what} with ${response.status}`);
  return response.json();
}

function originOf(frame, frames) {
  // A document without a place of its own (about:srcdoc, about:blank) has its parent's origin.
  const parent = frames.find((each) => each.frameId === frame.parentFrameId);
  if (frame.url.startsWith("about:")) return parent ? originOf(parent, frames) : "null";
  return new URL(frame.url).origin;
}

function hasAncestorOfAnotherOrigin(frame, frames) {
  const parent = frames.find((each) => each.frameId === frame.parentFrameId);
  if (!parent) return false;
  return (
    originOf(parent, frames) !== originOf(frame, frames) ||
    hasAncestorOfAnotherOrigin(parent, frames)
  );
}

async function candidates(caller) {
  const taken = new Set([...owners.values()].map((each) => each.documentId));
  const found = [];
  for (const tab of await chrome.tabs.query({})) {
    const frames = (await chrome.webNavigation.getAllFrames({ tabId: tab.id })) ?? [];
    const top = frames.find((each) => each.parentFrameId === -1);
    for (const frame of frames) {
      if (taken.has(frame.documentId) || originOf(frame, frames) !== caller.origin) continue;
      if (hasAncestorOfAnotherOrigin(frame, frames) === caller.sameOriginWithAncestors) continue;
      const { documentId } = frame;
      found.push({ tabId: tab.id, documentId, topOrigin: originOf(top, frames) });
    }
  }
  return found;
}

// Runs in a document: one that waits for a key is refused another request before all else.
async function waitsForAKey() {
  try {
    const publicKey = { challenge: new Uint8Array(16), rpId: "not.this.site.invalid" };
    await navigator.credentials.get({ publicKey });
  } catch (error) {
    return error.message.includes("pending");
  }
  return false;
}

// Chromium tells the caller's origin and not its document; it must be known when that goes away.
async function ownerOf(caller) {
  const found = await candidates(caller);
  if (found.length < 2) return found[0];
  const waiting = await Promise.all(
    found.map(async ({ tabId, documentId }) => {
      const target = { tabId, documentIds: [documentId] };
      try {
        const [{ result }] = await chrome.scripting.executeScript({ target, func: waitsForAKey });
        return result;
      } catch {
        return false; // it has gone by now
      }
    }),
  );
  const those = found.filter((_, number) => waiting[number]);
  return those.length === 1 ? those[0] : undefined;
}

async function isGone(owner) {
  try {
    const { documentId } = owner;
    return (await chrome.webNavigation.getFrame({ documentId })) === null;
  } catch {
    return true;
  }
}

async function serve(kind, { requestId, requestDetailsJson }, complete) {
  let answer;
  try {
    const options = JSON.parse(requestDetailsJson);
    const owner = await ownerOf(options.extensions.remoteDesktopClientOverride);
    if (owner) owners.set(requestId, owner);
    answer = await tell(kind, { requestId, options, topOrigin: owner?.topOrigin });
    while (answer.pending) {
      // Chromium cancels nothing when a document is reloaded, removed or its tab closed.
      if (owner && (await isGone(owner))) await tell("gone", { requestId });
      answer = await tell("wait", { requestId });
    }
  } catch (error) {
    answer = { error: { name: "NotAllowedError", message: String(error) } };
  }
  owners.delete(requestId);
  try {
    await complete({ requestId, ...answer });
  } catch (error) {
    // A request that was called off is unknown by now. Any other would wait for ever.
    await tell("rejected", { requestId, message: String(error) });
    const refusal = { name: "NotAllowedError", message: String(error) };
    await complete({ requestId, error: refusal }).catch(() => {});
  }
}

proxy.onCreateRequest.addListener((request) =>
  serve("create", request, (answer) => proxy.completeCreateRequest(answer)),
);
proxy.onGetRequest.addListener((request) =>
  serve("get", request, (answer) => proxy.completeGetRequest(answer)),
);
proxy.onIsUvpaaRequest.addListener(async ({ requestId }) => {
  const { isUvpaa } = await tell("uvpaa", { requestId });
  await proxy.completeIsUvpaaRequest({ requestId, isUvpaa });
});
proxy.onRequestCanceled.addListener((requestId) => tell("cancel", { requestId }));

proxy.attach().then((error) => tell("attached", { error: error ?? null }));
