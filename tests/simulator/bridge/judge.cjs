// @simplewebauthn/server as a judge: a JSON object a line, the verdict as a line of JSON.
// Usage: node judge.cjs FOLDER, where FOLDER has node_modules.
const { createRequire } = require("node:module");
const { createInterface } = require("node:readline");

const server = createRequire(`${process.argv[2]}/`)("@simplewebauthn/server");

async function judge({ kind, options }) {
  if (kind === "create") {
    const { verified, registrationInfo } = await server.verifyRegistrationResponse(options);
    const { credential, ...told } = registrationInfo;
    return { verified, id: credential.id, format: told.fmt, userVerified: told.userVerified };
  }
  const publicKey = Buffer.from(options.credential.publicKey, "base64url");
  const credential = { ...options.credential, publicKey };
  const answer = await server.verifyAuthenticationResponse({ ...options, credential });
  return { verified: answer.verified, userVerified: answer.authenticationInfo.userVerified };
}

createInterface({ input: process.stdin }).on("line", async (line) => {
  const verdict = await judge(JSON.parse(line)).catch((error) => ({ error: String(error) }));
  console.log(JSON.stringify(verdict));
});
