import type { Messages } from "../../index.svelte";
import { faces, n, plural } from "./counts";

export const modelPart: Pick<Messages, "modelChange"> = {
  modelChange: {
    now: "O modelo agora",
    lead: "Um modelo transforma cada rosto em números, e as pesquisas comparam esses números. Um modelo melhor encontra as pessoas com mais segurança, e refaz cada rosto a partir das imagens guardadas: ninguém precisa mandar uma foto de novo. As pesquisas continuam enquanto isso.",
    choose: "Trocar por",
    numbers: (count) => `${n(count)} números por rosto`,
    anyUse: "qualquer uso",
    nonCommercial: "só para uso não comercial",
    start: "Começar a troca",
    started: "A troca começou. As pesquisas continuam com o modelo de agora.",
    noChoicesTitle: "Este servidor não tem outro modelo",
    noChoices:
      "Quem opera o sistema pode baixar um. O pacote “research” é só para uso não comercial e precisa ser aceito antes:",
    keptElsewhere:
      "O motor deste servidor guarda ele mesmo os rostos das coleções e escolhe o modelo: não há o que trocar aqui.",
    ownerOnly: "Só um dono pode trocar o modelo.",
    steps: "Passos da troca",
    stepNames: { embed: "Refazer", compare: "Comparar", switch: "Trocar", finish: "Concluir" },
    stepHints: {
      embed: "Cada rosto recebe os números do modelo novo, em segundo plano.",
      compare: "Pergunte o mesmo aos dois modelos e veja onde eles diferem.",
      switch: "As pesquisas usam o modelo novo. Você pode voltar quantas vezes quiser.",
      finish: "O que o outro modelo sabia é removido e, com isso, o caminho de volta.",
    },
    fromTo: (from, to) => `De ${from} para ${to}`,
    startedAt: (when) => `Começou ${when}`,
    switchedAt: (when) => `Última troca ${when}`,
    states: {
      embedding: "Os rostos estão sendo refeitos",
      ready: "Pronto para trocar",
      switched: "As pesquisas usam o modelo novo",
      back: "As pesquisas usam o modelo antigo de novo",
      finishing: "O outro modelo está sendo removido",
    },
    progress: "Rostos refeitos com o modelo novo",
    embedded: (done, total) => `${n(done)} de ${faces(total)} refeitos`,
    behind: (count) =>
      plural(count, {
        one: `${n(count)} rosto não pode acompanhar`,
        other: `${n(count)} rostos não podem acompanhar`,
      }),
    left: (time) => `faltam cerca de ${time}`,
    searching: "As pesquisas usam",
    done: (model) => `A troca terminou: as pesquisas usam ${model}.`,

    compare: "Comparar os modelos",
    compareLead:
      "Rostos da coleção são pesquisados pelos dois modelos, e as respostas, postas lado a lado. Nada muda por causa disso.",
    queries: "Rostos a pesquisar",
    threshold: "Semelhança mínima",
    compareRun: "Comparar",
    comparing: "Perguntando aos dois modelos…",
    notYet: "Não há o que comparar enquanto alguns rostos não forem refeitos.",
    verdicts: {
      nothing: "Nenhum rosto tem números dos dois modelos ainda: compare de novo daqui a pouco.",
      silent:
        "Com esta semelhança, nenhum modelo encontra ninguém para estes rostos. Compare com uma semelhança menor ou adicione várias fotos das mesmas pessoas.",
      close: "Os modelos concordam quase sempre: depois da troca, pouca coisa parecerá diferente.",
      apart: "Os modelos diferem. Veja o que só um deles encontra antes de trocar.",
    },
    searched: (count) =>
      plural(count, {
        one: `${n(count)} rosto pesquisado pelos dois modelos`,
        other: `${n(count)} rostos pesquisados pelos dois modelos`,
      }),
    sameBest: "Mesmo melhor resultado",
    sameMatches: "Resultados em comum",
    onlyBy: (model) => `Encontrados só por ${model}`,
    gap: "Distância média das semelhanças",
    plot: "Concordância em cada semelhança",
    plotHint: "Por cento das pesquisas; 100 é concordância completa.",
    at: (similarity) => `Com ${similarity}`,
    similarity: "Semelhança",

    switch: "Trocar para o modelo novo",
    switchTitle: (model) => `Pesquisar com ${model} de agora em diante?`,
    switchBody:
      "Rostos adicionados daqui em diante também usam esse modelo. Você pode voltar a qualquer momento.",
    switchEarly: (count) =>
      plural(count, {
        one: `Falta refazer ${n(count)} rosto. Ele é encontrado pelo modelo antigo até lá, e cada pesquisa demora um pouco mais.`,
        other: `Falta refazer ${n(count)} rostos. Eles são encontrados pelo modelo antigo até lá, e cada pesquisa demora um pouco mais.`,
      }),
    switchBehind: (count) =>
      plural(count, {
        one: `${n(count)} rosto não pode acompanhar: continua sendo encontrado pelo modelo antigo.`,
        other: `${n(count)} rostos não podem acompanhar: continuam sendo encontrados pelo modelo antigo.`,
      }),
    switchAnyway: "Trocar antes de todos os rostos serem refeitos",
    switched: (model) => `As pesquisas usam ${model} agora.`,
    switchAgain: "Trocar de novo",
    rollBack: "Voltar ao modelo antigo",
    rollBackTitle: (model) => `Pesquisar com ${model} de novo?`,
    rollBackBody:
      "Nada se perde: os números do modelo novo ficam, e os rostos que chegaram nesse meio-tempo são refeitos com o antigo.",
    finish: "Concluir a troca",
    finishTitle: (model) => `Ficar com ${model} de vez?`,
    finishBody: (model) =>
      `Os números que ${model} fez são removidos. Depois disso, voltar exige refazer todos os rostos.`,
    finishFrom: (time) =>
      `Possível a partir das ${time}: pesquisas que começaram antes da troca podem estar em andamento.`,
    finishing: "Os números do outro modelo estão sendo removidos.",
    finishingBehind:
      "Rostos que não podem acompanhar mantêm os números antigos. A troca termina sozinha quando o último deles for apagado.",
    abandon: "Desistir da troca",
    abandonTitle: "Desistir da troca de modelo?",
    abandonBody: (model, count) =>
      `Os números que ${model} fez de ${faces(count)} são removidos. As pesquisas ficam como estão.`,
    abandoned: "A troca foi abandonada. As pesquisas ficaram como estavam.",

    behindTitle: "Rostos que não podem acompanhar",
    behindLead:
      "Eles não têm de onde ser refeitos e continuam sendo encontrados pelo modelo antigo. Adicione estas pessoas de novo com uma foto que você tenha e depois apague os rostos aqui.",
    behindEmpty: "Até agora, todos os rostos podem acompanhar.",
    reasons: {
      no_source: "Não se guarda nem a foto nem a imagem do rosto",
      photo_gone: "A foto guardada não pode mais ser lida",
      face_not_found: "O detector do modelo novo não encontra rosto neste lugar da foto",
      chip_unreadable: "A imagem guardada foi cifrada com uma chave que o servidor não tem mais",
    },
    deleteOne: (name) => `Apagar o rosto ${name}`,
    deleteShown: (count) => `Apagar ${faces(count)}`,
  },
};
