/** What the server's English sentences mean, by problem code. Codes that are missing show the server's sentence. */
export const problemsPtBR: Record<string, string> = {
  not_found: "Não há nada com este identificador no seu espaço de trabalho.",
};
