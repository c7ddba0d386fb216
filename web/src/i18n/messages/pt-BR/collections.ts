import type { Messages } from "../../index.svelte";
import { faces, n, photos, plural } from "./counts";

export const collectionsPart: Pick<
  Messages,
  | "collections"
  | "collectionForm"
  | "faceSearch"
  | "faceAdding"
  | "faceList"
  | "facePeople"
  | "consents"
  | "collectionSettings"
> = {
  collections: {
    title: "Coleções",
    lead: "Uma coleção lembra rostos, para que você solte uma foto e veja quem está nela.",
    create: "Nova coleção",
    list: "Coleções",
    emptyTitle: "Ainda não há coleções",
    empty: "Crie uma, adicione fotos de quem você procura e pesquise nela com qualquer foto.",
    emptyViewer: "Quem pode escrever pode criar uma.",
    people: (count) =>
      count === 0
        ? "nenhuma pessoa"
        : plural(count, { one: `${n(count)} pessoa`, other: `${n(count)} pessoas` }),
    keepsChips: "Guarda imagens dos rostos",
    numbersOnly: "Só números",
    forgetsAfter: (days) =>
      plural(days, { one: `Esquece depois de ${n(days)} dia`, other: `Esquece depois de ${n(days)} dias` }),
    createdAt: (when) => `Criada ${when}`,
    created: (name) => `A coleção ${name} está pronta para receber rostos.`,
    back: "Todas as coleções",
    gone: "Esta coleção não existe ou foi apagada.",
    tabs: "Partes da coleção",
    tabNames: {
      search: "Pesquisar",
      faces: "Rostos",
      add: "Adicionar rostos",
      people: "Pessoas",
      model: "Modelo",
      settings: "Ajustes",
    },
  },

  collectionForm: {
    nameHint: "Só letras sem acento, números, pontos, hifens e sublinhados. Não pode ser mudado depois.",
    nameExample: "casamento-2026",
    biometricsTitle: "Isto liga a biometria",
    biometrics: [
      "De cada rosto adicionado é feita e guardada uma impressão numérica. Ela é um dado biométrico.",
      "Em muitos países só se pode guardá-la com o consentimento das pessoas (LGPD, artigo 11; GDPR, artigo 9).",
      "Cada rosto adicionado, pesquisado, mostrado ou apagado fica num registro de auditoria que não pode ser alterado sem que se note.",
      "Apagar a coleção elimina tudo isso; um dono recebe um recibo assinado.",
    ],
    note: "Nota de consentimento",
    noteHint:
      "Por que você pode guardar estes rostos: quem concordou, quando, onde está o documento. Fica junto da coleção.",
    keepChips: "Guardar uma pequena imagem de cada rosto",
    keepChipsHint:
      "112 × 112 pixels, cifrada. Com ela, os rostos podem passar para um modelo melhor sem as fotos. Sem ela, só números são guardados.",
    ttl: "Esquecer os rostos depois de (dias)",
    ttlHint: "A contar de quando o rosto foi adicionado. Deixe vazio para guardar até você apagar.",
    agree: "Tenho o consentimento das pessoas ou outra base legal.",
    ownerOnly: "Só um dono pode ligar isto: peça a um deles, nos ajustes da coleção, depois de criada.",
    submitPlain: "Criar",
    chipsErased: "As imagens guardadas agora serão apagadas quando você salvar.",
    submit: "Ligar e criar",
  },

  faceSearch: {
    title: "Quem está nesta foto?",
    drop: "Solte uma foto e veja quem está nela",
    or: "ou cole uma, ou",
    dropOver: "Solte para pesquisar",
    choose: "Escolher uma foto",
    another: "Escolher outra foto",
    privacy: "A foto é examinada e não é guardada.",
    emptyTitle: "Ainda não há quem encontrar",
    empty: "Adicione rostos primeiro: depois, qualquer foto pode ser pesquisada.",
    searching: (name) => `Procurando os rostos de ${name}…`,
    result: (count, found) =>
      `${faces(count)} na foto, ${found === 0 ? "nenhum encontrado" : plural(found, { one: `${n(found)} encontrado`, other: `${n(found)} encontrados` })} na coleção.`,
    noFacesTitle: "Nenhum rosto foi encontrado nesta foto",
    noFaces: "Use uma em que os rostos estejam maiores, mais nítidos ou voltados para a câmera.",
    photo: (name) => `A foto pesquisada ${name}`,
    noPreview:
      "Este navegador não consegue mostrar a foto. Os rostos abaixo foram encontrados nela mesmo assim.",
    facesOf: "Rostos na foto",
    face: (index) => `Rosto ${n(index)}`,
    known: "Encontrado",
    unknown: "Não encontrado",
    matches: "Mais parecidos na coleção",
    noMatch: "Ninguém na coleção é tão parecido.",
    more: (count) => `mais ${n(count)}`,
    fewer: "Menos",
    threshold: "Semelhança mínima",
    similarity: "Semelhança",
    similarityOf: (value) => `Semelhança ${value} de 100`,
    explain: "O que os números significam",
    explainLead:
      "A semelhança não é uma porcentagem de certeza. Ela é ajustada de modo que cada degrau tenha uma taxa medida de falsas correspondências entre duas pessoas diferentes:",
    explainSize:
      "Numa coleção maior há mais estranhos com quem confundir: entre 1.000 rostos, espere uma correspondência dessas mil vezes mais do que com um só. Deixe uma pessoa decidir antes que algo resulte disso.",
    rarer: (rate) => `Menos de 1 em cada ${rate} pares de estranhos é tão parecido`,
    oneInShort: (rate) => `1 em ${rate}`,
    oneIn: (rate) => `Cerca de 1 em cada ${rate} pares de estranhos é tão parecido ou mais`,
    words: {
      same: "Muito provavelmente a mesma pessoa",
      likely: "Provavelmente a mesma pessoa",
      maybe: "Pode ser a mesma pessoa",
      unlikely: "Provavelmente outra pessoa",
    },
  },

  faceAdding: {
    title: "Adicionar rostos",
    drop: "Solte aqui fotos ou uma pasta",
    hint: "Os rostos são guardados; as fotos, não. Uma pessoa por foto dá os resultados mais claros.",
    chooseFiles: "Escolher fotos",
    chooseFolder: "Escolher uma pasta",
    names: "Dar a cada rosto o nome do arquivo",
    namesHint: "“maria-silva.jpg” vira o id externo maria-silva, que aparece em cada correspondência.",
    quality: "Deixar de fora",
    qualities: {
      AUTO: "Rostos ruins demais para reconhecer",
      LOW: "Só rostos sem chance",
      HIGH: "Todos menos os muito bons",
      NONE: "Nada",
    },
    mostFaces: "Rostos de uma foto",
    allFaces: "Todos",
    largestOnly: "Só o mais destacado",
    tray: "Adicionados agora",
    stages: {
      waiting: "Aguardando",
      sending: "Enviando",
      looking: "Procurando rostos",
      done: "Pronta",
      problem: "Problema",
    },
    added: (count) =>
      plural(count, { one: `${n(count)} rosto adicionado`, other: `${n(count)} rostos adicionados` }),
    noneAdded: "Nenhum rosto adicionado",
    duplicate: "Esta foto já está na coleção",
    leftOut: (count) =>
      plural(count, { one: `${n(count)} ficou de fora`, other: `${n(count)} ficaram de fora` }),
    noFace: "Não há nenhum rosto nela.",
    faceAt: (index, reasons) => `Rosto ${n(index)} a partir da esquerda: ${reasons}`,
    reasons: {
      EXCEEDS_MAX_FACES: "menos destacado que os outros",
      EXTREME_POSE: "virado demais",
      LOW_BRIGHTNESS: "escuro demais",
      LOW_SHARPNESS: "borrado demais",
      LOW_CONFIDENCE: "talvez nem seja um rosto",
      SMALL_BOUNDING_BOX: "pequeno demais",
      LOW_FACE_QUALITY: "ruim demais para reconhecer",
    },
    progress: (done, total) => `${n(done)} de ${photos(total)} prontas`,
    summary: (added, leftOut) => {
      const first =
        added === 0
          ? "Nenhum rosto adicionado"
          : plural(added, { one: `${n(added)} rosto adicionado`, other: `${n(added)} rostos adicionados` });
      const rest = plural(leftOut, {
        one: `${n(leftOut)} ficou de fora`,
        other: `${n(leftOut)} ficaram de fora`,
      });
      return leftOut > 0 ? `${first}, ${rest}.` : `${first}.`;
    },
    retry: (name) => `Tentar ${name} de novo`,
    clear: "Limpar a lista",
  },

  faceList: {
    list: "Rostos da coleção",
    emptyTitle: "Ainda não há rostos",
    empty: "Adicione fotos de quem você procura.",
    unnamed: "Sem id externo",
    face: (id) => `Rosto ${id}`,
    indexed: (when) => `Adicionado ${when}`,
    person: (name) => `Pessoa ${name}`,
    noChip: "Nenhuma imagem deste rosto é guardada",
    faceId: "Id do rosto",
    imageId: "Id da foto",
    model: "Modelo",
    confidence: "Confiança",
    sharpness: "Nitidez",
    brightness: "Brilho",
    details: "Detalhes",
    alike: "Ver parecidos",
    alikeTitle: (name) => `Mais parecidos com ${name}`,
    select: (name) => `Selecionar ${name}`,
    selectHint: "Selecione rostos para atribuí-los a uma pessoa ou apagá-los.",
    selected: (count) =>
      plural(count, { one: `${n(count)} rosto selecionado`, other: `${n(count)} rostos selecionados` }),
    remove: "Apagar rostos",
    removeTitle: (count) => `Apagar ${faces(count)}?`,
    removeBody:
      "As impressões e as imagens destes rostos são eliminadas para sempre. Isto não pode ser desfeito.",
    removed: (count) =>
      plural(count, { one: `${n(count)} rosto foi apagado.`, other: `${n(count)} rostos foram apagados.` }),
    assignShort: "Atribuir",
    assign: "Atribuir a uma pessoa",
    assignTitle: (count) => (count === 1 ? "De quem é este rosto?" : "De quem são estes rostos?"),
    assigned: (count, name) =>
      plural(count, {
        one: `${n(count)} rosto atribuído a ${name}.`,
        other: `${n(count)} rostos atribuídos a ${name}.`,
      }),
    notAssigned: (count) =>
      plural(count, {
        one: `${n(count)} rosto não foi atribuído: é diferente demais dos outros desta pessoa.`,
        other: `${n(count)} rostos não foram atribuídos: são diferentes demais dos outros desta pessoa.`,
      }),
    personOf: "Só rostos de",
    everybody: "Todos",
  },

  facePeople: {
    lead: "Uma pessoa são vários rostos tomados juntos: é encontrada com mais segurança do que por uma foto só.",
    create: "Adicionar pessoa",
    userId: "Id da pessoa",
    userIdHint:
      "Só letras sem acento, números, pontos, hifens, sublinhados e dois-pontos; melhor um número seu que um nome.",
    list: "Pessoas da coleção",
    emptyTitle: "Ainda não há pessoas",
    empty: "Adicione uma pessoa aqui e depois escolha os rostos dela na lista de rostos.",
    remove: "Apagar",
    removeTitle: (name) => `Apagar a pessoa ${name}?`,
    removeBody: "Os rostos dela ficam na coleção, sem pertencer a ninguém.",
    removed: (name) => `${name} foi apagada.`,
    showFaces: (name) => `Mostrar os rostos de ${name}`,
    added: (name) => `${name} foi adicionada.`,
    states: { ACTIVE: "Pronta", CREATED: "Ainda sem rostos", CREATING: "Em criação", UPDATING: "Mudando" },
  },

  consents: {
    title: "Consentimentos",
    lead: "Quem concordou em ser reconhecido, quando e com que palavras. A nota é eliminada junto com a pessoa.",
    empty: "Nenhum consentimento foi anotado ainda.",
    add: "Anotar consentimento",
    added: "O consentimento foi anotado.",
    of: "De quem",
    kinds: { user_id: "Pessoa", external_image_id: "Id externo", face_id: "Id do rosto" },
    subject: "O id",
    text: "Com o que concordou",
    textHint: "Nas palavras que a pessoa leu.",
    day: "Quando",
    dayHint: "Deixe vazio para hoje.",
    by: "Dado por",
    byHint: "Se não foi a própria pessoa: um dos pais, por exemplo.",
    given: (day) => `Dado em ${day}`,
    givenBy: (day, who) => `Dado em ${day} por ${who}`,
    valid: "Válido",
    withdraw: "Retirar",
    withdrawTitle: (subject) => `Anotar que ${subject} não concorda mais?`,
    withdrawBody:
      "A retirada é anotada. Os rostos ficam até que sejam eliminados: um dono faz isso na lista de pessoas.",
    withdrawnNow: "A retirada foi anotada. Elimine os rostos, se eles devem sair.",
    withdrawn: (day) => `Retirado em ${day}`,
  },

  collectionSettings: {
    facts: "Dados",
    faces: "Rostos",
    people: "Pessoas",
    model: "Modelo",
    save: "Salvar",
    deleteTitle: (name) => `Apagar a coleção ${name}?`,
    deleteLead: "Elimina todos os rostos, impressões e imagens dela.",
    deleteBody: (count) =>
      `${count === 0 ? "A coleção será eliminada" : `Tudo o que há nela, ${faces(count)} com impressões e imagens, será eliminado`} para sempre. Isto não pode ser desfeito.`,
    deleteType: (name) => `Digite ${name} para confirmar`,
    delete: "Apagar a coleção",
    deleted: (name) => `A coleção ${name} foi eliminada.`,
    biometrics: "Biometria",
    switchOn: "Reconhecer rostos nesta coleção",
    switchHint:
      "Desligado, os rostos são reconhecidos aqui só enquanto o reconhecimento facial estiver ligado nos ajustes do espaço de trabalho.",
    switchTitle: "Ligar a biometria?",
    switchConfirm: "Ligar",
  },
};
