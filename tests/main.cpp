// The main function of every test program, compiled once.

#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_session.hpp>
auto main(int count, char** words) -> int { return Catch::Session().run(count, words); }
#else
#define CATCH_CONFIG_MAIN
#include <catch2/catch.hpp>
#endif
