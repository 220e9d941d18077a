// Makes DOM elements in one expression.

type Attributes = Record<string, string | number | boolean | null | ((event: never) => void)>;

/** Attributes by name; `on…` functions become listeners; null and false leave an attribute out. Text is never parsed. */
export function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: (Node | string)[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'function') made.addEventListener(name.slice(2), value as unknown as EventListener);
    else if (value !== null && value !== false) made.setAttribute(name, value === true ? '' : String(value));
  }
  made.append(...children);
  return made;
}
