/** The texts of the interface: Japanese first, English complete. `en` has the type of `ja`, so neither can lack a text. */
import { en } from "./en.ts";
import { ja } from "./ja.ts";

export type Language = "ja" | "en";
export type Messages = typeof ja;

export const LANGUAGES: readonly Language[] = ["ja", "en"];
export const MESSAGES: Readonly<Record<Language, Messages>> = { ja, en };

export function isLanguage(value: unknown): value is Language {
  return value === "ja" || value === "en";
}
