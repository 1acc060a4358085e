// A server of @simplewebauthn/server that speaks the FIDO server-test API, on a free port that it prints.
// Argument: the folder of node_modules.
"use strict";
const { createRequire } = require("module");
const req = createRequire(process.argv[2] + "/package.json");
const http = require("http"), crypto = require("crypto");
(async () => {
const W = await import(req.resolve("@simplewebauthn/server"));
const users = new Map(), open = new Map();
let ORIGIN;
const b64 = (b) => Buffer.from(b).toString("base64url");
async function answer(path, asked, sid) {
  if (path === "/attestation/options") {
    const user = users.get(asked.username) ?? { id: crypto.randomBytes(16), keys: new Map() };
    users.set(asked.username, user);
    const uv = asked.authenticatorSelection?.userVerification ?? "preferred";
    const o = await W.generateRegistrationOptions({ rpName: "Example", rpID: "localhost", userName: asked.username, userID: user.id,
      userDisplayName: asked.displayName, attestationType: asked.attestation ?? "none", excludeCredentials: [...user.keys.keys()].map((id) => ({ id })),
      authenticatorSelection: { ...(asked.authenticatorSelection ?? {}) } });
    open.set(sid, { user, challenge: o.challenge, uv });
    return o;
  }
  if (path === "/assertion/options") {
    const user = users.get(asked.username);
    if (!user) throw new Error("no such user");
    const uv = asked.userVerification ?? "preferred";
    const o = await W.generateAuthenticationOptions({ rpID: "localhost", allowCredentials: [...user.keys.keys()].map((id) => ({ id })), userVerification: uv });
    open.set(sid, { user, challenge: o.challenge, uv });
    return o;
  }
  const c = open.get(sid); open.delete(sid);
  if (!c) throw new Error("no options were asked for");
  const common = { response: asked, expectedChallenge: c.challenge, expectedOrigin: ORIGIN, expectedRPID: "localhost", requireUserVerification: c.uv === "required" };
  if (path === "/attestation/result") {
    const v = await W.verifyRegistrationResponse(common);
    if (!v.verified) throw new Error("not verified");
    c.user.keys.set(v.registrationInfo.credential.id, v.registrationInfo.credential);
    return {};
  }
  const key = c.user.keys.get(asked.id);
  if (!key) throw new Error("not this user's key");
  if (asked.response.userHandle && asked.response.userHandle !== b64(c.user.id)) throw new Error("another user's handle");
  const v = await W.verifyAuthenticationResponse({ ...common, credential: key });
  if (!v.verified) throw new Error("not verified");
  key.counter = v.authenticationInfo.newCounter;
  return {};
}
const server = http.createServer((q, r) => {
  let body = "";
  q.on("data", (d) => (body += d));
  q.on("end", async () => {
    const sid = /sid=(\w+)/.exec(q.headers.cookie ?? "")?.[1] ?? crypto.randomBytes(8).toString("hex");
    r.setHeader("Content-Type", "application/json"); r.setHeader("Set-Cookie", `sid=${sid}; Path=/; HttpOnly`);
    try { r.end(JSON.stringify({ status: "ok", errorMessage: "", ...(await answer(q.url, JSON.parse(body), sid)) })); }
    catch (e) { r.statusCode = 400; r.end(JSON.stringify({ status: "failed", errorMessage: String(e.message) })); }
  });
});
server.listen(0, "127.0.0.1", () => { ORIGIN = `http://localhost:${server.address().port}`; console.log(ORIGIN); });
})();
