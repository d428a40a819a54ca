/** The band across the top: the zone by colour, sign and name at all times; on its right what belongs to the person. */
import type { JSX } from "preact";
import { dialog, language, model, session, t, zone, zoneName } from "../../store.ts";
import { LANGUAGES, MESSAGES } from "../../messages/index.ts";
import { Keys, ZoneIcon } from "./Icons.tsx";
import { Menu } from "./Menu.tsx";

export function Band(): JSX.Element {
  const here = zone.value;
  const user = session.value === "loggedIn" ? model.value.user : null;
  return (
    <header class="band">
      <p class="band-zone" aria-label={here ? t.value.zoneBand(zoneName(here.zone)) : undefined}>
        {here && <ZoneIcon zone={here.zone} />}
        <strong>{here ? zoneName(here.zone) : t.value.productName}</strong>
      </p>
      <p class="band-org">{user?.org_name}</p>
      <div class="band-tools">
        <LanguageSwitch />
        {user && (
          <button class="band-button" type="button" aria-label={t.value.help} title={t.value.help} onClick={() => (dialog.value = "help")}>
            <Keys size={18} />
          </button>
        )}
        <Menu user={user} />
      </div>
    </header>
  );
}

/** The other language, named in itself. */
function LanguageSwitch(): JSX.Element {
  const other = LANGUAGES.find((each) => each !== language.value) ?? "ja";
  return (
    <button class="band-button" type="button" lang={other} onClick={() => (language.value = other)}>
      {MESSAGES[other].languageName}
    </button>
  );
}
