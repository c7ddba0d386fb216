import type { JobState } from "../../../api/types";
import type { Messages } from "../../index.svelte";
import { failures, faces, photos } from "./counts";
import { problemsPtBR } from "../problems.pt-BR";

const states: Record<JobState, string> = {
  pending: "Recebida",
  queued: "Na fila",
  running: "Em análise",
  waiting: "Aguardando nova tentativa",
  done: "Pronta",
  failed: "Falhou",
  cancelled: "Cancelada",
};

export const shellPart: Pick<
  Messages,
  "languageName" | "nav" | "common" | "states" | "signin" | "problems" | "hopDetails" | "hops"
> = {
  languageName: "Português",

  nav: {
    skip: "Ir para o conteúdo",
    main: "Principal",
    photos: "Fotos",
    collections: "Coleções",
    failures: "Falhas",
    reports: "Relatórios",
    settings: "Ajustes",
    language: "Idioma",
    signOut: "Sair",
    signedInAs: (name) => `Você entrou como ${name}`,
    notFoundTitle: "Não há nada aqui",
    notFound: "Este endereço não leva a lugar nenhum. Talvez tenha sido copiado pela metade.",
    home: "Ir para as fotos",
  },

  common: {
    cancel: "Cancelar",
    close: "Fechar",
    back: "Voltar",
    delete: "Apagar",
    save: "Salvar",
    saved: "Salvo.",
    add: "Adicionar",
    retry: "Tentar de novo",
    reload: "Carregar de novo",
    loading: "Carregando…",
    loadMore: "Carregar mais",
    copy: "Copiar",
    copied: "Copiado.",
    copyByHand: "Pressione Ctrl+C ou ⌘C para copiar.",
    never: "Nunca",
    name: "Nome",
    created: "Criação",
    actions: "Ações",
    state: "Situação",
    asTable: "Ver como tabela",
    offline: "As atualizações ao vivo foram interrompidas. A página se reconecta sozinha; nada se perde.",
    unreachable:
      "Não foi possível falar com o servidor. Verifique se o Fotofila está rodando e se há conexão.",
    unexpected: "A página tropeçou. Carregue-a de novo; se não resolver, veja o console do navegador.",
    photos,
    faces,
    failures,
  },

  states,

  signin: {
    title: "Entrar",
    lead: "Todos os rostos de todas as fotos, na sua própria máquina.",
    username: "Nome de usuário",
    password: "Senha",
    submit: "Entrar",
    withLink: "Entrando com o link…",
    hint: "Numa instalação nova, use o link de entrada que o programa mostrou no terminal.",
  },

  problems: problemsPtBR,

  hopDetails: {
    seconds: "levou",
    cpu_seconds: "CPU",
    worker: "worker",
    code: "causa",
    until: "até",
    reason: "motivo",
  },

  hops: {
    accepted: "Recebida",
    queued: "Na fila",
    started: "Pega por um worker",
    finished: "Analisada",
    waiting: "Aguardando nova tentativa",
    reconciled: "Reencontrada",
    redriven: "Reenviada",
    done: "Resultado salvo",
    failed: "Falhou",
    cancelled: "Cancelada",
  },
};
