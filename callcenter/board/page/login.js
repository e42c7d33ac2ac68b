// A screen in a hall is opened as /board#token=...: what stands behind the # is sent to nobody by the browser. It leaves the
// address and the history at once, and is posted until the service has judged it: nobody stands there to type it again.
"use strict";

const AGAIN_MS = 5000;
const REFUSED = [401, 403];

const given = new URLSearchParams(location.hash.slice(1)).get("token");
if (given) {
  history.replaceState(null, "", location.pathname + location.search);
  const post = async () => {
    try {
      const answer = await fetch("/board/login", { method: "POST", body: new URLSearchParams({ token: given }), redirect: "follow" });
      if (answer.ok) return location.reload();
      if (REFUSED.includes(answer.status)) {
        document.querySelector("#refused").hidden = false;
        return;
      }
    } catch {
      // the service is away
    }
    setTimeout(post, AGAIN_MS);
  };
  post();
}
