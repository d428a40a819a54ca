/** The icons, drawn here so that nothing is fetched. They are decoration: words stand beside them or in the button's name. */
import type { ComponentChildren, JSX } from "preact";

function Icon({ children, size = 20 }: { children: ComponentChildren; size?: number }): JSX.Element {
  return (
    <svg class="icon" width={size} height={size} viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      {children}
    </svg>
  );
}

type Size = { size?: number };

export const Globe = (p: Size): JSX.Element => (
  <Icon {...p}>
    <circle cx="12" cy="12" r="9" />
    <path d="M3 12h18M12 3c2.8 2.6 4 5.6 4 9s-1.2 6.4-4 9c-2.8-2.6-4-5.6-4-9s1.2-6.4 4-9z" />
  </Icon>
);
export const Building = (p: Size): JSX.Element => (
  <Icon {...p}>
    <path d="M5 21V5l8-2v18M13 8l6 2v11M3 21h18M8 8h2M8 12h2M8 16h2M16 13h0M16 17h0" />
  </Icon>
);
export const Lock = (p: Size): JSX.Element => (
  <Icon {...p}>
    <path d="M5 11h14v10H5zM8 11V8a4 4 0 0 1 8 0v3M12 15v2" />
  </Icon>
);
export const Star = ({ filled, ...p }: Size & { filled?: boolean }): JSX.Element => (
  <Icon {...p}>
    <path class={filled ? "filled" : undefined} d="M12 3.5l2.6 5.4 5.9.8-4.3 4.1 1 5.9L12 16.9l-5.2 2.8 1-5.9L3.5 9.7l5.9-.8z" />
  </Icon>
);
export const Plus = (p: Size): JSX.Element => <Icon {...p}><path d="M12 5v14M5 12h14" /></Icon>;
export const Close = (p: Size): JSX.Element => <Icon {...p}><path d="M6 6l12 12M18 6L6 18" /></Icon>;
export const Back = (p: Size): JSX.Element => <Icon {...p}><path d="M15 5l-7 7 7 7" /></Icon>;
export const Down = (p: Size): JSX.Element => <Icon {...p}><path d="M12 5v14M6 13l6 6 6-6" /></Icon>;
export const Chevron = (p: Size): JSX.Element => <Icon {...p}><path d="M6 9.500l6 6 6-6" /></Icon>;
export const Check = (p: Size): JSX.Element => <Icon {...p}><path d="M5 12.5l4.5 4.5L19 7.5" /></Icon>;
export const Dash = (p: Size): JSX.Element => <Icon {...p}><path d="M7 12h10" /></Icon>;
export const Warning = (p: Size): JSX.Element => (
  <Icon {...p}><path d="M12 3.5L2.5 20h19zM12 10v4.5M12 17.5h0" /></Icon>
);
export const Search = (p: Size): JSX.Element => (
  <Icon {...p}><circle cx="10.5" cy="10.5" r="6.5" /><path d="M15.5 15.5L21 21" /></Icon>
);
export const People = (p: Size): JSX.Element => (
  <Icon {...p}><circle cx="9" cy="8" r="3.5" /><path d="M2.5 20c.4-4 3-6 6.5-6s6.1 2 6.5 6M16 4.8a3.5 3.5 0 0 1 0 6.4M18 14.5c2 .8 3.2 2.7 3.5 5.5" /></Icon>
);
export const Hash = (p: Size): JSX.Element => <Icon {...p}><path d="M9 4L7 20M17 4l-2 16M4 9h16.5M3.5 15H20" /></Icon>;
export const Person = (p: Size): JSX.Element => (
  <Icon {...p}><circle cx="12" cy="8" r="4" /><path d="M4.5 21c.500-4.5 3.5-7 7.5-7s7 2.5 7.5 7" /></Icon>
);
export const Clip = (p: Size): JSX.Element => (
  <Icon {...p}><path d="M20 11.5l-8.2 8.2a5 5 0 0 1-7.1-7.1l8.5-8.5a3.4 3.4 0 0 1 4.8 4.8l-8.5 8.5a1.7 1.7 0 0 1-2.4-2.4l7.7-7.7" /></Icon>
);
export const Send = (p: Size): JSX.Element => <Icon {...p}><path d="M4 12L3 4l18 8-18 8 1-8zm0 0h8" /></Icon>;
export const Eye = (p: Size): JSX.Element => (
  <Icon {...p}><path d="M2 12c2.5-4.5 6-7 10-7s7.5 2.5 10 7c-2.5 4.5-6 7-10 7s-7.5-2.5-10-7z" /><circle cx="12" cy="12" r="3" /></Icon>
);
export const Save = (p: Size): JSX.Element => <Icon {...p}><path d="M12 4v11M7 10.5l5 5 5-5M4 20h16" /></Icon>;
export const Seal = (p: Size): JSX.Element => (
  <Icon {...p}><path d="M6 3h9l4 4v14H6zM14 3v5h5M9 13l2.5 2.5L16 11" /></Icon>
);
export const Pages = (p: Size): JSX.Element => (
  <Icon {...p}><path d="M3 4h7v16H3zM14 4h7v16h-7zM5.500 8h2M5.500 11h2M16.500 8h2M16.500 11h2" /></Icon>
);
export const Keys = (p: Size): JSX.Element => (
  <Icon {...p}><path d="M2.5 6h19v12h-19zM6 10h0M10 10h0M14 10h0M18 10h0M7.5 14.5h9" /></Icon>
);
export const Sliders = (p: Size): JSX.Element => (
  <Icon {...p}><path d="M4 7h9M19 7h1M4 17h1M11 17h9" /><circle cx="16" cy="7" r="2.5" /><circle cx="8" cy="17" r="2.5" /></Icon>
);
export const Clock = (p: Size): JSX.Element => <Icon {...p}><circle cx="12" cy="12" r="9" /><path d="M12 7v5l3.5 2" /></Icon>;
export const Cut = (p: Size): JSX.Element => (
  <Icon {...p}><path d="M3 3l18 18M8.5 8.5A5.5 5.5 0 0 0 4 14a4 4 0 0 0 4 4h9M11 6.3a6 6 0 0 1 8 5.2 3.8 3.8 0 0 1 2 5.5" /></Icon>
);
export const Hidden = (p: Size): JSX.Element => (
  <Icon {...p}><path d="M4 4l16 16M9 5.5c1-.300 2-.500 3-.500 4 0 7.5 2.5 10 7-.800 1.4-1.7 2.6-2.7 3.6M6.5 7.5C4.8 8.6 3.3 10.1 2 12c2.5 4.5 6 7 10 7 1.5 0 2.9-.300 4.2-1" /></Icon>
);

/** The sign of a zone: globe, building, lock; unlike in shape, so that colour is never alone. */
export function ZoneIcon({ zone, size = 18 }: { zone: string; size?: number }): JSX.Element {
  if (zone === "internet") return <Globe size={size} />;
  return zone === "mynumber" ? <Lock size={size} /> : <Building size={size} />;
}
