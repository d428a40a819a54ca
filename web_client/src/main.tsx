/** The page's start: styles, choices, the first view. */
import { render } from "preact";
import { start } from "./actions/session.ts";
import "./styles/main.css";
import { App } from "./views/shell/App.tsx";

const place = document.getElementById("app");
if (place) {
  render(<App />, place);
  void start();
}
