import type { Messages } from "../../index.svelte";
import { faces, n, plural } from "./counts";

const fingerprints = (count: number): string =>
  plural(count, { one: `${n(count)} impressão`, other: `${n(count)} impressões` });
const collections = (count: number): string =>
  plural(count, { one: `${n(count)} coleção`, other: `${n(count)} coleções` });

export const carePart: Pick<Messages, "care" | "erasure"> = {
  care: {
    tab: "Dados de reconhecimento",
    lead: "O que este espaço de trabalho guarda que permite reconhecer rostos, e o que já foi eliminado. Desligar o reconhecimento não elimina nada: isso se faz aqui.",
    see: "Ver o que está guardado para o reconhecimento",
    kept: "O que está guardado",
    nothing:
      "Nada que reconheça alguém está guardado: nenhuma coleção, nenhuma impressão, nenhuma imagem de rosto.",
    switchOn: "O reconhecimento facial está ligado neste espaço de trabalho",
    switchOff: "O reconhecimento facial está desligado neste espaço de trabalho",
    switchLink: "Alterar",
    stillOn: (count) =>
      plural(count, {
        one: `${n(count)} coleção reconhece rostos por um ajuste próprio.`,
        other: `${n(count)} coleções reconhecem rostos por um ajuste próprio.`,
      }),
    leftOver:
      "Ainda há impressões de rostos em fotos, embora o reconhecimento esteja desligado. Elimine-as se não precisa mais delas.",
    figures: {
      photo_embeddings: "Impressões de rostos em fotos",
      collections: "Coleções",
      faces: "Rostos em coleções",
      vectors: "Impressões em coleções",
      chips: "Imagens de rostos",
      users: "Pessoas",
      consents: "Notas de consentimento",
    },
    vectorsHint: "Duas por rosto durante uma troca de modelo",
    nextExpiry: (when) => `O próximo rosto é esquecido em ${when}.`,
    inCollections: "Nas coleções",
    switchedOn: "Reconhece",
    switchedOff: "Só pelo ajuste do espaço de trabalho",

    erase: "Eliminar",
    eraseLead:
      "Eliminar é para sempre e não pode ser desfeito. Cada eliminação dá um recibo assinado, que a prova às pessoas em questão.",
    stays: "As fotos guardadas, o registro de auditoria e os backups feitos antes ficam.",
    goes: "Isto será eliminado:",
    reason: "Motivo",
    reasonHint: "Aparece no recibo; por exemplo: pedido por carta de 1º de fevereiro",
    understood: "Sei que isto não pode ser desfeito.",
    person: "Uma pessoa",
    personHint: "Pelo que você sabe dela, em todas as coleções.",
    personTitle: "Eliminar uma pessoa",
    personBody:
      "Preencha pelo menos um dos dois. Tudo o que corresponder a qualquer um deles é eliminado, em todas as coleções do espaço de trabalho.",
    personId: "Id da pessoa",
    externalId: "Id externo dos rostos dela",
    personGoes: (asked) => [
      `Os rostos ${asked ? `de ${asked}` : "desta pessoa"}, com as impressões de todos os modelos e as imagens`,
      "A pessoa com este id, em todas as coleções",
      "As notas de consentimento dela",
    ],
    either: (first, second) => `${first} ou ${second}`,
    photos: "Impressões de rostos em fotos",
    photosHint:
      "Feitas enquanto o reconhecimento estava ligado no espaço de trabalho. As fotos e os rostos nelas ficam.",
    photosTitle: "Eliminar as impressões de rostos em fotos?",
    photosBody:
      "As fotos, e onde estão os rostos nelas, ficam; não será mais possível pesquisá-las por rosto.",
    photosGoes: (count) => [`${fingerprints(count)} de rostos em fotos`],
    collectionTitle: (name) => `Eliminar a coleção ${name}?`,
    collectionBody: "Ninguém que está nela poderá ser encontrado de novo por este servidor.",
    collectionGoes: (name, count) => [
      `A coleção ${name} com ${faces(count)}, as impressões e as imagens deles`,
      "As pessoas e as notas de consentimento dela",
    ],
    everything: "Tudo",
    everythingHint: "Todas as coleções e as impressões em fotos.",
    everythingTitle: "Eliminar tudo o que reconhece rostos?",
    everythingBody: "Ninguém poderá ser encontrado de novo por este servidor.",
    everythingGoes: (count, faceCount, chips, people) => [
      `${collections(count)} com ${faces(faceCount)}`,
      ...(chips > 0
        ? [plural(chips, { one: `${n(chips)} imagem de rosto`, other: `${n(chips)} imagens de rostos` })]
        : []),
      ...(people > 0 ? [plural(people, { one: `${n(people)} pessoa`, other: `${n(people)} pessoas` })] : []),
    ],
    and: (names, more) => `${names} e mais ${n(more)}`,
    named: (names) => `Coleções: ${names}`,
    consentsGo: (count) =>
      plural(count, {
        one: `${n(count)} nota de consentimento`,
        other: `${n(count)} notas de consentimento`,
      }),
    type: (word) => `Digite ${word} para confirmar`,
    nothingThere: "Não há nada para eliminar.",

    receipts: "Eliminações",
    receiptsLead: "O que foi eliminado, do mais novo para o mais antigo, cada um com o seu recibo assinado.",
    emptyCollection: "Não havia rostos",
    noReceipts: "Nada foi eliminado ainda.",
    what: {
      person: "Uma pessoa",
      collection: "Uma coleção",
      photo_embeddings: "Impressões em fotos",
      everything: "Tudo",
    },
    counts: (faceCount, prints) =>
      faceCount === 0 ? fingerprints(prints) : `${faces(faceCount)}, ${fingerprints(prints)}`,
    nothingFound: "Nada foi encontrado",
    look: "Ver o recibo",
    lookOf: (what, when) => `Ver o recibo: ${what}, ${when}`,
    download: "Baixar",
    downloadOf: (what, when) => `Baixar o recibo: ${what}, ${when}`,
    unsigned: "O recibo está sendo assinado: carregue a lista de novo daqui a pouco.",
    receiptTitle: "Recibo de uma eliminação",
    receiptFields: {
      at: "Quando",
      by: "Por",
      asked: "Pedido",
      reason: "Motivo",
      erased: "Eliminado",
      stays: "Fica",
      entry: "Entrada no registro de auditoria",
      key: "Assinado por",
    },
    askedNames: {
      user_id: "pessoa",
      external_image_id: "id externo",
      face_ids: "rostos",
      collection: "coleção",
    },
    wholeCollection: (name, count) => `${name}: a coleção inteira, ${faces(count)}`,
    fromCollection: (name, count) => `${name}: ${faces(count)}`,
    faceIds: "Ids dos rostos",
    verifyHint: "Quem recebe o recibo o confere com a sua chave pública: `fotofila audit verify-receipt`.",
  },

  erasure: {
    title: "Eliminado",
    counts: (count, vectors, chips) =>
      `${count === 0 ? "Nenhum rosto" : faces(count)}, ${plural(vectors, { one: `${n(vectors)} impressão`, other: `${n(vectors)} impressões` })} e ${plural(chips, { one: `${n(chips)} imagem`, other: `${n(chips)} imagens` })} de rostos: não existem mais.`,
    inPhotos: (count) =>
      plural(count, {
        one: `${n(count)} impressão de rosto em foto: não existe mais.`,
        other: `${n(count)} impressões de rostos em fotos: não existem mais.`,
      }),
    noFaces: "Foi eliminado para sempre. Não havia nenhum rosto.",
    nothing: "Nada que correspondesse foi encontrado, e nada foi eliminado. O recibo diz isso.",
    keep: "O recibo diz o que foi eliminado e quando, e é assinado: prova isso às pessoas em questão.",
    download: "Baixar o recibo",
    signing: "O recibo está sendo assinado…",
    person: "Eliminar de tudo",
    personTitle: (name) => `Eliminar ${name} de tudo?`,
    personBody:
      "Todos os rostos, impressões e imagens desta pessoa, em todas as coleções do espaço de trabalho, são eliminados para sempre. As fotos guardadas ficam.",
  },
};
