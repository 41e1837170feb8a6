
main() {
  [ $# -gt 0 ] || usage
  what=$1
  shift
  read_options "$@"
  case $what in
    enroll) enroll ;;
    sync) sync_once ;;
    turn) turn ;;
    run) run_helper ;;
    status) status ;;
    push) push ;;
    unenroll) unenroll ;;
    *) usage ;;
  esac
}

# At the end: a script that was cut on its way does nothing.
main "$@"
