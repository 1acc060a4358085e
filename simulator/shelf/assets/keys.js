"use strict";

// A page that loads this has its security keys on the shelf, while the shelf says so.
(() => {
  const token = localStorage.getItem("mfalab-keys");
  if (!token || !window.PublicKeyCredential) return;
  const read = (text) => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (each) => each.charCodeAt(0)).buffer;
  const write = (bytes) => btoa(String.fromCharCode(...new Uint8Array(bytes.buffer || bytes)))
    .replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
  const plain = (value) => {
    if (value instanceof ArrayBuffer) return write(value);
    if (ArrayBuffer.isView(value)) return write(value.buffer.slice(value.byteOffset, value.byteOffset + value.byteLength));
    if (Array.isArray(value)) return value.map(plain);
    if (value && typeof value === "object") {
      return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, plain(each)]));
    }
    return value;
  };
  const binary = (value, names) => Object.fromEntries(Object.entries(value).map(([name, each]) =>
    [name, names.includes(name) && typeof each === "string" ? read(each) : each]));

  const ask = (kind, others) => async (options) => {
    if (!options || !options.publicKey) return others(options);
    const { signal, ...rest } = options.publicKey;
    const answer = await fetch("/_mfalab/webauthn", {
      method: "POST",
      headers: { Authorization: `Bearer ${token}` },
      body: JSON.stringify({ [kind]: plain(rest), origin: location.origin }),
      signal: options.signal,
    });
    const told = await answer.json();
    if (answer.status === 401) { localStorage.removeItem("mfalab-keys"); return others(options); }
    if (!answer.ok) throw new DOMException(told.error, told.refused || "NotAllowedError");
    const response = binary(told.response, ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle", "publicKey"]);
    response.getTransports = () => told.response.transports || ["usb"];
    response.getAuthenticatorData = () => response.authenticatorData;
    response.getPublicKey = () => response.publicKey || null;
    response.getPublicKeyAlgorithm = () => told.response.publicKeyAlgorithm;
    return {
      ...told,
      rawId: read(told.id),
      response,
      getClientExtensionResults: () => told.clientExtensionResults || {},
      toJSON: () => told,
    };
  };
  const { credentials } = navigator;
  const create = ask("create", credentials.create.bind(credentials));
  const get = ask("get", credentials.get.bind(credentials));
  Object.defineProperties(credentials, { create: { value: create }, get: { value: get } });
})();
