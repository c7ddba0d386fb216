interface Forms {
  one: string;
  other: string;
}

/** Picks the form that the language uses for `count`. */
export function plurals(locale: string): (count: number, forms: Forms) => string {
  const rules = new Intl.PluralRules(locale);
  return (count, forms) => (rules.select(count) === "one" ? forms.one : forms.other);
}

export function numbers(locale: string): (value: number) => string {
  const format = new Intl.NumberFormat(locale);
  return (value) => format.format(value);
}
