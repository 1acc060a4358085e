"use strict";

// A form is sent once, however often its button is pressed.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.dataset.sent) event.preventDefault();
  else if (form.method === "post") form.dataset.sent = "yes";
});

// Security keys: the client's answer, or the error that it raised, is a field of the form.
async function ask(ceremony, options) {
  try {
    const credential =
      ceremony === "create"
        ? await navigator.credentials.create({
            publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options),
          })
        : await navigator.credentials.get({
            publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options),
          });
    return credential.toJSON();
  } catch (error) {
    return { error: { name: error.name } };
  }
}

for (const form of document.querySelectorAll("form[data-ceremony]")) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (form.dataset.sent) return;
    form.querySelector("[data-progress]").textContent = "Waiting for your security key …";
    const answer = await ask(form.dataset.ceremony, JSON.parse(form.dataset.options));
    form.elements.namedItem("response").value = JSON.stringify(answer);
    form.submit(); // which raises no further event
  });
}

// The link to the inbox carries the control token where no server and no log sees it.
for (const form of document.querySelectorAll("form[data-from-fragment]")) {
  const token = new URLSearchParams(location.hash.slice(1)).get("token");
  if (token) {
    history.replaceState(null, "", location.pathname);
    form.elements.namedItem("token").value = token;
    form.requestSubmit();
  }
}
