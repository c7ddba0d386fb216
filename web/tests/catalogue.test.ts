import { describe, expect, test } from "vitest";
import { en } from "../src/i18n/messages/en";
import { ptBR } from "../src/i18n/messages/pt-BR";
import { problemsPtBR } from "../src/i18n/messages/problems.pt-BR";

type Leaf = [path: string, value: unknown];

function leaves(tree: object, path = ""): Leaf[] {
  return Object.entries(tree).flatMap(([key, value]): Leaf[] => {
    const here = path ? `${path}.${key}` : key;
    return typeof value === "object" && value !== null ? leaves(value, here) : [[here, value]];
  });
}

// Filled by one language only, on purpose: the English sentences come from the server.
const withoutProblems = (tree: object): Leaf[] =>
  leaves(tree).filter(([path]) => !path.startsWith("problems."));

describe("the catalogues", () => {
  const english = new Map(withoutProblems(en));
  const portuguese = new Map(withoutProblems(ptBR));

  test("have the same messages, also where the type allows any key", () => {
    expect([...portuguese.keys()].sort()).toEqual([...english.keys()].sort());
  });

  test("take the same number of values in each message", () => {
    for (const [path, message] of english) {
      const other = portuguese.get(path);
      expect(typeof other, path).toBe(typeof message);
      if (typeof message === "function" && typeof other === "function") {
        expect(other.length, path).toBe(message.length);
      }
    }
  });

  test("leave no message empty", () => {
    for (const [path, message] of [...english, ...portuguese]) expect(message, path).not.toBe("");
  });
});

describe("plurals", () => {
  test.each([
    [0, "no faces", "nenhum rosto"],
    [1, "1 face", "1 rosto"],
    [2, "2 faces", "2 rostos"],
    [29_000, "29,000 faces", "29.000 rostos"],
    [1_000_000, "1,000,000 faces", "1.000.000 rostos"],
  ])("of %d", (count, english, portuguese) => {
    expect(en.common.faces(count)).toBe(english);
    expect(ptBR.common.faces(count)).toBe(portuguese);
  });
});

describe("translated problems", () => {
  const translate = (code: string, english: string): string => {
    const known = problemsPtBR[code];
    return typeof known === "function" ? known(english) : (known ?? english);
  };

  test.each([
    [
      "truncated_image",
      "The file ends after 3 MB of 18 MB: upload it again.",
      "O arquivo termina depois de 3 MB de 18 MB: envie de novo.",
    ],
    [
      "truncated_image",
      "The file ends after 7.5 kB of pixel data, about 53 % of the picture: upload it again.",
      "O arquivo termina depois de 7,5 kB, cerca de 53% da imagem: envie de novo.",
    ],
    [
      "truncated_image",
      "The file ends after 120 bytes, before its picture begins: upload it again.",
      "O arquivo termina depois de 120 bytes, antes do fim da imagem: envie de novo.",
    ],
    [
      "too_large",
      "The file is larger than 200 MB: send a smaller one, or raise FOTOFILA_MAX_UPLOAD_BYTES.",
      "O arquivo tem mais de 200 MB: envie menor ou aumente FOTOFILA_MAX_UPLOAD_BYTES.",
    ],
  ])("of %s carry the numbers over", (code, english, portuguese) => {
    expect(translate(code, english)).toBe(portuguese);
  });

  test("fall back to a plain sentence where the English one reads otherwise", () => {
    const sentence = translate("truncated_image", "The file ends in the middle of its pixel data.");
    expect(sentence).toMatch(/^O arquivo está incompleto/);
  });
});
