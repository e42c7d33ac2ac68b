// A screen in a hall is opened as /board#token=...: what stands behind the # is sent to nobody by the browser. It leaves the
// address and the history at once, and is posted until the service has judged it: nobody stands there to type it again. On a
// board that is open already (by the cookie of its last log-in) it takes the place of the old token; one that is refused changes nothing.
"use strict";

const AGAIN_MS = 5000;
const REFUSED = [401, 403];
const refused = document.querySelector("#refused"); // null on an open board

const given = new URLSearchParams(location.hash.slice(1)).get("token");
if (given) {
  history.replaceState(null, "", location.pathname + location.search);
  const post = async () => {
    try {
      const answer = await fetch("/board/login", { method: "POST", body: new URLSearchParams({ token: given }), redirect: "follow", signal: AbortSignal.timeout(2 * AGAIN_MS) });
      if (answer.ok) return refused && location.reload();
      if (REFUSED.includes(answer.status)) {
        if (refused) refused.hidden = false;
        return;
      }
    } catch {
      // the service is away
    }
    setTimeout(post, AGAIN_MS);
  };
  post();
}
